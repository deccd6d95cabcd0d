import { readFileSync } from 'node:fs';

/** Ops are made by a call, and a call stays in a bundle unless it is marked: defining an op has no effect. */
export const pureOps = {
  name: 'pure-ops',
  setup(build) {
    build.onLoad({ filter: /[/\\]engine[/\\](ops|device)[/\\][^/\\]+\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll('= defineOp<', '= /* @__PURE__ */ defineOp<'),
      loader: 'ts',
    }));
  },
};
