// What the visualizer is given.
pm.visualizer.set("<b>{{a}}</b>", { a: 1 });
pm.visualizer.clear();
pm.visualizer.set("<i>{{a}}</i>", { a: 2 }, { helpers: {} });
try {
    pm.visualizer.set(5);
} catch (error) {
    console.log(error.message);
}

//> log: Invalid template. Template must be of type string, found number
//> visualizer <i>{{a}}</i> {"a":2} {"helpers":{}}
