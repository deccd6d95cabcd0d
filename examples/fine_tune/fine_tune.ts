// Trains a model further in a page: open a model.safetensors that `tuningfork train` wrote, give pictures of each of its
// classes, train its last layer on them, and save it. Nothing leaves the page. See ../README.md for how to start it.
import { fit, Model, openDevice } from 'tuningfork';
import { loadModel, type ImageModel } from 'tuningfork/vision';

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const [train, said, save] = [element<HTMLButtonElement>('train'), element('said'), element<HTMLAnchorElement>('save')];
const opening = openDevice(); // begins at once; who needs it waits
let model: ImageModel | undefined;

/** Does what was asked for, and shows what went wrong in its place. */
const doing = (work: () => Promise<void>) => () =>
  work().catch((error: Error) => void (said.textContent = error.message));

element<HTMLInputElement>('model').onchange = doing(async () => {
  const [file] = element<HTMLInputElement>('model').files!;
  model?.[Symbol.dispose]();
  model = await loadModel(await opening, file);
  const fields = model.classes.map((name) => {
    const [label, field] = [document.createElement('label'), document.createElement('input')];
    Object.assign(field, { type: 'file', multiple: true, accept: 'image/*', name });
    label.append(`Pictures of ${name}: `, field, document.createElement('br'));
    return label;
  });
  element('classes').replaceChildren(...fields);
  train.disabled = false;
  said.textContent = `It tells ${model.classes.join(' from ')}. Give pictures of each.`;
});

train.onclick = doing(async () => {
  const { classes, size, network, parameters } = model!;
  const fields = [...document.querySelectorAll<HTMLInputElement>('#classes input')];
  const files = fields.map((field) => [...field.files!]);
  const data = { x: await model!.inputs(files.flat()), y: files.flatMap((each, k) => each.map(() => k)) };
  using tuned = new Model(await opening, network, [size, size, 3]);
  tuned.parameters.write(await parameters.read());
  const last = network.segments.at(-1)!.prefixes;
  await fit(tuned, {
    data,
    epochs: 40,
    batch: 8,
    optimizer: { name: 'adam', learningRate: 0.01 },
    batchNorm: 'running',
    freeze: (name) => !last.some((prefix) => name.startsWith(prefix)),
    onEpoch: ({ epoch, loss }) => void (said.textContent = `Epoch ${epoch} of 40: loss ${loss.toFixed(3)}`),
  });
  parameters.write(await tuned.parameters.read());
  const records = await model!.predict(files.flat());
  const right = records.filter((each, i) => 'predicted' in each && each.predicted === classes[data.y[i]]).length;
  said.textContent = `It tells ${right} of ${records.length} right now.`;
  save.href = URL.createObjectURL(new Blob([(await model!.save()) as Uint8Array<ArrayBuffer>]));
  save.hidden = false;
});
