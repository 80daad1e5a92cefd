// How components reach the workbench.

import { getContext, setContext } from "svelte";
import type { Workbench } from "./workbench.svelte";

const KEY = Symbol("workbench");

export const provideWorkbench = (bench: Workbench): Workbench => setContext(KEY, bench);
export const useWorkbench = (): Workbench => getContext<Workbench>(KEY);
