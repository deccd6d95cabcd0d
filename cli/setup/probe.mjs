// Asks the Dawn binding for adapters and prints what it got as JSON. A process of its own: the answer is needed by a
// script that runs before and after a driver is installed, and native code may fail in ways that no `catch` sees.
// Usage: node probe.mjs [part of a name]...; no name asks for the system's choice.
import { createRequire } from 'node:module';

const { create } = createRequire(import.meta.url)('webgpu');
process.env.XDG_RUNTIME_DIR ??= '/tmp';
const found = [];
const names = process.argv.slice(2);
for (const flags of names.length > 0 ? names.map((name) => [`adapter=${name}`]) : [[]]) {
  // Rejects where there are adapters but none of this name.
  const adapter = await create(flags)
    .requestAdapter()
    .catch(() => null);
  found.push(adapter && (adapter.info.description || adapter.info.device));
}
console.log(JSON.stringify(found));
