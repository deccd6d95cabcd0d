// Preloaded into the program (node --import): the disk is full after FULL_AT bytes. As of a real one, the write that
// does not fit takes what does, and every later one fails.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

let left = Number(process.env.FULL_AT);
let told = false;

/** How many of so many bytes the disk takes. */
function take(bytes) {
  const taken = Math.max(0, Math.min(bytes, left));
  left -= bytes;
  if (taken < bytes && !told) {
    told = true;
    writeSync(2, '[the disk is full]\n');
  }
  return taken;
}
const full = (call) =>
  Object.assign(new Error(`ENOSPC: no space left on device, ${call}`), { code: 'ENOSPC', errno: -28 });
const bytesOf = (data) =>
  typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength);

const { writeSync, writeFileSync } = fs;
fs.writeSync = (fd, data, offset = 0, length = data.length - offset, position = null) => {
  if (fd <= 2 || typeof data === 'string') return writeSync(fd, data, offset);
  const taken = take(length);
  if (taken === 0 && length > 0) throw full('write');
  return writeSync(fd, data, offset, taken, position);
};
fs.writeFileSync = (file, data, options) => {
  const bytes = bytesOf(data);
  const taken = take(bytes.length);
  writeFileSync(file, bytes.subarray(0, taken), options);
  if (taken < bytes.length) throw full('write');
};

const handle = await fs.promises.open(process.execPath, 'r');
const files = Object.getPrototypeOf(handle);
await handle.close();
const { write, writeFile } = files;
files.write = async function (data, offset = 0, length = data.length - offset, position = null) {
  const taken = take(length);
  if (taken === 0 && length > 0) throw full('write');
  return write.call(this, data, offset, taken, position);
};
files.writeFile = async function (data) {
  const bytes = bytesOf(data);
  const taken = take(bytes.length);
  await writeFile.call(this, bytes.subarray(0, taken));
  if (taken < bytes.length) throw full('write');
};
syncBuiltinESMExports();
