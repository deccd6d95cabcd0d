import { UserError } from '../../engine/user_error.ts';
import type { TaskChoice } from '../../galaxies/tasks.ts';
import { METHODS } from '../../vision/answer/methods.ts';
import { MODEL_NAMES } from '../../models/build_network.ts';
import { emit, serve } from '../common/worker_server.ts';
import type { DeviceNews } from '../common/device_keeper.ts';
import { decodeFile, readFile } from '../../vision/data/decode.browser.ts';
import { Look, type Question, type Thumbnail } from './look_core.ts';
import { PAGE_TRAINING, Training } from './training.ts';

/** The embedded galaxies; those that the page trains on are of another seed. */
const SEED = 7;
let drawn = 0;

const tell = (news: DeviceNews): void => emit('device', news);
const look = new Look(tell);
look.onAsking = (news) => emit('asking', news);
let training: Training | undefined;
/** The model that was trained here, as a file. */
let trained: Uint8Array | undefined;

const methods = {
  /** What there is to choose from. */
  choices: () => ({ models: MODEL_NAMES, methods: METHODS }),
  /** Draws further galaxies. */
  draw(count: number): Promise<Thumbnail[]> {
    const indices = look.album.addDrawn(drawn, count, SEED);
    drawn += count;
    return Promise.all(indices.map((index) => look.thumbnail(index)));
  },
  /** Adds an image file, which is decoded once to see that it can be. @param folder goes before its name */
  async addImage(file: File, folder?: string): Promise<Thumbnail> {
    await decodeFile(file);
    const name = file.name.replace(/\.[^.]*$/, '');
    const id = folder === undefined ? name : `${folder}/${name}`;
    return look.thumbnail(look.album.add({ id, votes: null }, () => decodeFile(file)));
  },
  async loadModel(file: File) {
    return look.load(await readFile(file), file.name);
  },
  picture: (index: number) => look.picture(index),
  predict: (index: number, tta: number) => look.predict(index, tta),
  explain: (question: Question) => look.explain(question),
  measure: (question: Question) => look.measure(question),
  inspect: (
    name: string | undefined,
    job: { size: number; batch: number; training: boolean },
    task: TaskChoice | undefined,
  ) => look.inspect(name, job, task),
  /** Begins a training; `trainStep` goes on with it. */
  async trainBegin(): Promise<void> {
    await training?.close();
    training = new Training(PAGE_TRAINING, tell);
  },
  /** undefined after the last step. */
  trainStep() {
    if (!training) throw new UserError('no training was begun');
    return training.next();
  },
  /** Ends the training and looks through what was learnt. */
  async trainEnd() {
    if (!training) throw new UserError('no training was begun');
    trained = await training.pack();
    await training.close();
    training = undefined;
    return look.load(trained, 'trained here');
  },
  /** The bytes of the model that was trained here. */
  saved(): Uint8Array {
    if (!trained) throw new UserError('no model was trained here yet');
    return trained.slice();
  },
  /** For trying what a lost device does. */
  lose: () => (training ? training.lose() : look.lose()),
};
export type LookMethods = typeof methods;

serve(methods, { stop: (question: number) => look.stop(question) });
