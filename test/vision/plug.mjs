// Preloaded into the program (node --import): pulls its plug with SIGKILL, or another signal, in the middle of the n-th
// operation on a file, so that no clock decides where. PLUG in the environment says when: {"file": a pattern of its
// path, "operation", "nth", "signal"}.
//   open: the file is there, and empty      write: half of the bytes are written
//   rename: all are, under the old name     renamed: under the new one
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { file, operation, nth, signal = 'SIGKILL' } = JSON.parse(process.env.PLUG);
const pattern = new RegExp(file);
let seen = 0;
const falls = (what, path) => what === operation && pattern.test(path) && ++seen === nth;
const pull = () => process.kill(process.pid, signal);

const { open, rename } = fs.promises;
fs.promises.open = async (path, flags, ...rest) => {
  const handle = await open(path, flags, ...rest);
  if (flags !== 'r' && falls('open', path)) pull();
  const { writeFile } = handle;
  handle.writeFile = async (data, ...how) => {
    if (!falls('write', path)) return writeFile.call(handle, data, ...how);
    await handle.write(data, 0, data.length >> 1);
    return pull();
  };
  return handle;
};
fs.promises.rename = async (from, to) => {
  if (falls('rename', from)) pull();
  await rename(from, to);
  if (falls('renamed', from)) pull();
};

const { openSync, writeSync } = fs;
const paths = new Map();
fs.openSync = (path, ...rest) => {
  const descriptor = openSync(path, ...rest);
  paths.set(descriptor, String(path));
  return descriptor;
};
fs.writeSync = (descriptor, data, offset, length, position) => {
  if (!falls('write', paths.get(descriptor) ?? '')) return writeSync(descriptor, data, offset, length, position);
  writeSync(descriptor, data, offset, length >> 1, position);
  return pull();
};
syncBuiltinESMExports();
