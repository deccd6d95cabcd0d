import { describe, expect, it } from 'vitest';
import { readWeights } from '../../models/formats/read_weights.ts';
import { Built, Call, Global, Raw, floats, pickled, tensor, torchLegacy, torchZip } from './torch_files.ts';
import { refusalOf } from './refusal.ts';

const read = (bytes: Uint8Array) => readWeights(new Uint8Array(bytes), 'w.pth');
const refusal = (bytes: Uint8Array) => refusalOf(read(bytes));

const SIX = floats(0, 1, 2, 3, 4, 5);
const A = { count: 6, shape: [2, 3], strides: [3, 1] };
const dictionary = (entries: Readonly<Record<string, unknown>>) => new Map<unknown, unknown>(Object.entries(entries));

describe('what would run a program is refused by name, wherever it stands', () => {
  const evil = (module: string, name: string) => new Call(new Global(module, name), ['touch /tmp/owned']);
  it.each([
    ['os', 'system'],
    ['posix', 'system'],
    ['builtins', 'eval'],
    ['__builtin__', 'exec'],
    ['subprocess', 'Popen'],
    ['torch.hub', 'load'],
    ['runpy', '_run_code'],
    ['types', 'FunctionType'],
    ['types', 'FunctionType.__call__'],
    ['code', 'InteractiveInterpreter'],
    ['functools', 'reduce'],
    ['operator', 'call'],
    ['urllib.request', 'urlopen'],
    ['distutils.spawn', 'spawn'],
    ['_thread', 'start_new_thread'],
    ['importlib', 'import_module'],
  ])('%s.%s', async (module, name) => {
    const call = evil(module, name);
    for (const object of [
      call,
      dictionary({ a: call }),
      dictionary({ state_dict: dictionary({ a: tensor(A) }), hyper_parameters: call }),
      dictionary({ a: new Built(tensor(A), call) }),
    ]) {
      const sentence = new RegExp(`its pickle would call ${module.replace('.', '\\.')}\\.${name}`);
      expect(await refusal(torchZip(object, { 0: SIX }))).toMatch(sentence);
      expect(await refusal(torchLegacy(object, [['0', 6, SIX]]))).toMatch(sentence);
      expect(await refusal(pickled(object))).toMatch(sentence);
    }
  });
  it('within functools.partial, and where what that makes is called', async () => {
    const partial = (name: Global) => new Call(new Global('functools', 'partial'), [name]);
    const bound = dictionary({ state_dict: dictionary({ a: tensor(A) }), args: partial(new Global('os', 'system')) });
    expect(await refusal(torchZip(bound, { 0: SIX }))).toMatch(/would call os\.system/);
    const called = dictionary({ a: new Call(partial(new Global('mine', 'f')) as unknown as Global, []) });
    expect(await refusal(torchZip(called, {}))).toMatch(/would call what is made by functools\.partial/);
  });
  it('by STACK_GLOBAL and NEWOBJ as well', async () => {
    const stack = new Raw([0x8c, 2, 0x6f, 0x73, 0x8c, 6, ...Buffer.from('system'), 0x93, 0x29, 0x81]);
    expect(await refusal(torchZip(dictionary({ a: stack }), {}))).toMatch(/would call os\.system/);
  });
});

describe('what only holds values is left out', () => {
  it.each([
    ['functools', 'partial'],
    ['types', 'SimpleNamespace'],
    ['types', 'MappingProxyType'],
    ['operator', 'itemgetter'],
    ['pathlib', 'PosixPath'],
    ['signal', 'Signals'],
    ['http', 'HTTPStatus'],
    ['urllib.parse', 'ParseResult'],
    ['platform', 'uname_result'],
    ['distutils.version', 'LooseVersion'],
    // A user's own packages.
    ['types', 'Config'],
    ['code', 'Net'],
    ['code.models', 'Net'],
    ['trace.os', 'Path'],
    ['profile', 'Settings'],
    ['ossy', 'system'],
  ])('%s.%s', async (module, name) => {
    const held = new Built(new Call(new Global(module, name), ['x']), dictionary({ lr: 0.1 }));
    const object = dictionary({ state_dict: dictionary({ a: tensor(A) }), hyper_parameters: dictionary({ held }) });
    for (const bytes of [torchZip(object, { 0: SIX }), torchLegacy(object, [['0', 6, SIX]])]) {
      const { tensors, notes } = await read(bytes);
      expect([...tensors.keys()]).toEqual(['a']);
      expect(notes).toEqual([expect.stringMatching(/left out is 'hyper_parameters'/)]);
    }
  });
});
