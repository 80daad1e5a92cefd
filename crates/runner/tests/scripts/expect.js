// Chai, whole.
pm.test("eql", () => pm.expect({ a: [1, { b: 2 }] }).to.eql({ a: [1, { b: 2 }] }));
pm.test("eql fails", () => pm.expect({ a: 1 }).to.eql({ a: 2 }));
pm.test("words", () => {
    pm.expect([1, 2, 3]).to.be.an("array").that.includes(2).and.has.lengthOf(3);
    pm.expect("text").to.match(/^t/).and.be.a("string");
    pm.expect(() => { throw new TypeError("no"); }).to.throw(TypeError, "no");
    pm.expect({ a: { b: 1 } }).to.have.nested.property("a.b", 1);
    pm.expect(5).to.be.within(1, 10).and.not.be.oneOf([1, 2]);
    pm.expect(null).to.be.null;
    pm.expect(new Date(0)).to.be.a("date");
    pm.expect(new Error("x")).to.be.an.instanceof(Error);
    pm.expect({ a: 1, b: 2 }).to.have.all.keys("a", "b");
});
pm.test("fails", () => pm.expect(pm.response.code, "the code").to.equal(200));
pm.test("fail", () => pm.expect.fail("on purpose"));
const { assert, expect } = require("chai");
pm.test("assert", () => assert.deepEqual([1], [2]));
pm.test("expect", () => expect(true).to.be.false);

//> pass eql
//> fail eql fails: AssertionError: expected { a: 1 } to deeply equal { a: 2 } (line 3)
//> pass words
//> fail fails: AssertionError: the code: expected 201 to equal 200 (line 15)
//> fail fail: AssertionError: on purpose (line 16)
//> fail assert: AssertionError: expected [ 1 ] to deeply equal [ 2 ] (line 18)
//> fail expect: AssertionError: expected true to be false (line 19)
