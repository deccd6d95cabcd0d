import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadModel } from '../../cli/load_model.node.ts';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { openDataset } from '../../galaxies/open_dataset.node.ts';
import { viewsFor } from '../../vision/answer/stored_model.ts';
import { CLASSES } from '../../galaxies/labels.ts';
import { taskOf } from '../../galaxies/tasks.ts';
import { plainPicture } from '../../vision/answer/draw.ts';
import { explainExamples } from '../../vision/answer/explain.ts';
import { METHODS, TRAITS, isQuick, type QuickMethod } from '../../vision/answer/methods.ts';
import { MODEL_NAMES, buildModel } from '../../models/build_network.ts';
import { trainedModel } from '../../vision/train/trained_model.ts';
import { packModel, unpackModel } from '../../models/formats/model_file.ts';
import { initialValues } from '../../models/initialise.ts';
import { writeSafetensors } from '../../models/formats/safetensors.ts';
import { PAGE_TRAINING, Training } from '../../web/look/training.ts';
import { succeed } from '../cli/cli.ts';
import { adaptersBound, relativeL2 } from '../tolerance.ts';
import { click, describeSite, expectNoSidewaysScroll, saveTo, textOf } from './browser.ts';
import { DRAWN, SUMS, commandLinePredictions, expectSame, trainModels, writeImages } from './look_fixture.ts';
import { choose, inWorker, mapOf, numbersOf, pixelsOf, predictions, refusal, untilReady } from './look_page.ts';

/** Of a map: forward, backward, and the sums over channels and image; Grad-CAM++ takes the cube of what came back. */
const MAP: Record<QuickMethod, number> = {
  'Grad-CAM': adaptersBound([...SUMS, ...SUMS, 64]),
  'Grad-CAM++': adaptersBound([...SUMS, ...SUMS, ...SUMS, ...SUMS, 64]),
  'Layer-CAM': adaptersBound([...SUMS, ...SUMS, 64]),
  'Guided backprop': adaptersBound([...SUMS, ...SUMS]),
};

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-look-'));
const images = join(folder, 'galaxies');
let files: string[];
let models: Awaited<ReturnType<typeof trainModels>>;

beforeAll(async () => {
  files = await writeImages(images);
  models = await trainModels(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

const commandLine = (model: string, tta?: number) => commandLinePredictions(images, model, tta);

describeSite(
  'Look',
  (site) => {
    it('predicts, explains and inspects as the command line does, for both tasks', async () => {
      const { page, problems } = await site.open('look.html');
      await untilReady(page);
      await choose(page, '#model-file', models.classes);
      await choose(page, '#image-files', ...files);
      expectSame(await predictions(page, DRAWN + files.length), await commandLine(models.classes));
      expect(await textOf(page, '#answer')).toMatch(/^(smooth|featured) with a confidence of \d+\.\d\s%\.$/);

      // The pictures have the bytes that Node decodes: JPEG, and PNG with and without alpha.
      using device = await openDevice({ gpu: openGpu({ adapter: 'lavapipe' }) });
      const dataset = await openDataset(images);
      const ids = dataset.examples.map(({ id }) => id);
      expect(ids).toEqual(['a', 'b', 'c', 'd']);
      for (const galaxy of ids.keys()) {
        await click(page, `#strip [role=option]:nth-child(${DRAWN + galaxy + 1})`);
        const want = (await plainPicture(dataset, { crop: 160, size: 320 }, galaxy)).data;
        const caption = `${ids[galaxy]} as the network sees it`;
        await page.waitForFunction(
          (label) => document.querySelector('#picture')!.getAttribute('aria-label') === label,
          {},
          caption,
        );
        expect(Buffer.from(await pixelsOf(page, '#picture')).equals(Buffer.from(want)), caption).toBe(true);
      }

      using model = await loadModel(device, models.classes);
      const answering = {
        network: model.built.network,
        parameters: model.parameters,
        task: taskOf(model.task!),
        views: viewsFor(model, dataset),
      };
      for (const [layer, name] of ['block1', 'block2', 'block3', 'block4'].entries()) {
        // All at the first layer; at the others those whose maps differ from layer to layer.
        const quick = METHODS.filter(isQuick).filter((method) => layer === 0 || TRAITS[method].at === 'layer');
        const [{ maps, explained }] = await explainExamples(device, answering, [{ example: 3 }], quick, name);
        for (const { method, values, height, width } of maps) {
          const shown = await mapOf(page, 'd', method, layer, name);
          expect(shown).toMatchObject({ height, width, class: model.classes[explained] });
          expect(
            values.some((v) => v !== 0),
            `${method} at ${name}`,
          ).toBe(true);
          expect(relativeL2(shown.values, values), `${method} at ${name}`).toBeLessThan(MAP[method as QuickMethod]);
        }
      }
      // One that asks the network again about the image with parts replaced.
      const covered = await mapOf(page, 'd', 'Occlusion', 3, 'block4');
      expect(covered).toMatchObject({ height: 14, width: 14 });
      expect(new Set(covered.values).size).toBeGreaterThan(14);
      expect(await textOf(page, '#map-text', /On the adapter/)).toMatch(
        /Occlusion.*: \d+\.\d MiB for this, \d+\.\d MiB for the weights and \d+ programs\.$/,
      );

      await page.select('#tta', '8');
      expectSame(await predictions(page, DRAWN + files.length), await commandLine(models.classes, 8));
      await page.select('#tta', '1');

      await choose(page, '#model-file', models.votes);
      await textOf(page, '#model', /predicts the shares of votes that 37 answers get/);
      expectSame(await predictions(page, DRAWN + files.length), await commandLine(models.votes));
      expect(await textOf(page, '#bars')).toMatch(/1\. smooth, or features or disc.*3\. bar.*11\. how many arms/s);
      expect(await textOf(page, '#answer')).toMatch(/^Most votes go to /);
      {
        using votes = await loadModel(device, models.votes);
        const asked = {
          network: votes.built.network,
          parameters: votes.parameters,
          task: taskOf(votes.task!),
          views: viewsFor(votes, dataset),
        };
        const explained = votes.classes.indexOf('Class3.1');
        await page.select('#explained', 'Class3.1');
        const [{ maps }] = await explainExamples(device, asked, [{ example: 3, explained }], ['Grad-CAM'], 'block2');
        await page.waitForFunction(() => /bar: yes/.test(document.querySelector('#map-text')!.textContent!));
        const shown = await mapOf(page, 'd', 'Grad-CAM', 1, 'block2');
        expect(shown.class).toBe('Class3.1');
        expect(relativeL2(shown.values, maps[0].values)).toBeLessThan(MAP['Grad-CAM']);
      }
      await dataset.close();

      // Show my model: the one that is loaded, and every one of the project.
      expect(await textOf(page, '#inspect-model option:checked')).toMatch(/the model above/);
      const names = await page.$$eval('#inspect-model option[value]:not([value=""])', (options) =>
        options.map((option) => (option as HTMLOptionElement).value),
      );
      expect(names).toEqual(MODEL_NAMES);
      await page.$eval('#inspect-size', (field) => ((field as HTMLInputElement).value = '64'));
      for (const name of names) {
        await page.$eval('#inspect-table', (table) => table.replaceChildren());
        await page.select('#inspect-model', name);
        await page.waitForSelector('#inspect-table tbody tr:nth-child(4)');
        if (!['efficientnet_b0', 'resnet50', 'galaxy_vgg'].includes(name)) continue;
        const want = JSON.parse(await succeed('inspect', name, '--size', '64', '--json')) as {
          flops: number;
          steps: number;
          parameters: { count: number };
        };
        const amount = (n: number) =>
          n >= 1e9 ? `${Number((n / 1e9).toPrecision(3))} G` : `${Number((n / 1e6).toPrecision(3))} M`;
        const facts = await page.$eval('#inspect-facts', (list) => list.textContent!);
        expect(facts, name).toContain(`${amount(want.parameters.count)} numbers`);
        expect(facts, name).toContain(`${amount(want.flops)}FLOP`);
      }
      await expectNoSidewaysScroll(page);
      await page.setViewport({ width: 360, height: 740 });
      await expectNoSidewaysScroll(page);
      expect(problems).toEqual([]);
      await page.close();
    });

    it.each([
      ['efficientnet_b0', 1],
      ['resnet50', 0.25],
    ] as const)(
      'predicts with %s as the command line does',
      async (name, width) => {
        const file = join(folder, `${name}.safetensors`);
        const built = buildModel(name, CLASSES.length, undefined, { width });
        const { specs } = built.network;
        // What an untrained residual network sums up is large: with its whole classifier every answer would be 0 or 1.
        const valuesOf = (spec: (typeof specs)[number]) =>
          initialValues(spec, 1).map((v) => (spec.kind === 'dense' ? v / 256 : v));
        const weights = new Map(specs.map((spec) => [spec.name, { shape: spec.shape, data: valuesOf(spec) }]));
        const options = { ...PAGE_TRAINING, model: name, size: 64 };
        writeFileSync(file, packModel(trainedModel(taskOf(options.task), built, weights, options)));
        const { page, problems } = await site.open('look.html');
        await untilReady(page);
        await choose(page, '#model-file', file);
        await choose(page, '#image-files', files[0]);
        const sums = specs
          .filter(({ kind, shape }) => kind !== 'bias' && shape.length > 1)
          .map(({ shape }) => shape.reduce((a, b) => a * b, 1) / shape[shape.length - 1]);
        const got = await predictions(page, DRAWN + 1);
        const want = await commandLine(file);
        expectSame(got, new Map([...want].filter(([id]) => got.has(id))), 4 * adaptersBound(sums));
        expect(
          new Set([...got.values()].map((record) => numbersOf(record)[0])).size,
          'different answers',
        ).toBeGreaterThan(DRAWN / 2);
        expect(problems).toEqual([]);
        await page.close();
      },
      900_000,
    );

    it('says what is wrong with a file, goes on, and survives a lost device', async () => {
      const { page, problems } = await site.open('look.html?model=model.safetensors', { width: 360, height: 740 });
      await untilReady(page);
      const put = (name: string, bytes: Uint8Array | string) => {
        writeFileSync(join(folder, name), bytes);
        return join(folder, name);
      };
      const refuse = (field: '#model-file' | '#image-files', name: string, bytes: Uint8Array | string, says: RegExp) =>
        refusal(page, field, put(name, bytes), says);
      // The model that the address names: `tuningfork serve RUN` prints it so.
      const before = await predictions(page, DRAWN);
      expect(await textOf(page, '#model')).toMatch(/vgg_small, model\.safetensors: tells smooth from featured/);

      const whole = readFileSync(models.classes);
      await refuse(
        '#model-file',
        'cut.safetensors',
        whole.subarray(0, 5000),
        /^cut\.safetensors: tensor .* reach beyond the file, .* it is cut short/,
      );
      const other = new Map([['a', { dtype: 'f32' as const, shape: [2], data: new Float32Array(2) }]]);
      await refuse('#model-file', 'other.safetensors', writeSafetensors(other), /^other\.safetensors/);
      await refuse('#model-file', 'empty.safetensors', '', /^empty\.safetensors.*too few/);
      const packed = unpackModel(whole, 'model');
      const packedAt = (size: number) => packModel({ ...packed, preprocessing: { ...packed.preprocessing, size } });
      await refuse(
        '#model-file',
        'tiny.safetensors',
        packedAt(1),
        /^tiny\.safetensors cannot be used: max_pool2d: the window spans 2 x 2 pixels/,
      );
      expect(await page.$eval('#model', (element) => element.textContent)).toContain('tells smooth from featured');

      const png = new Uint8Array(readFileSync(join(images, 'b.png')));
      new DataView(png.buffer).setUint32(16, 20_000);
      await refuse('#image-files', 'huge.png', png, /^huge\.png is 20000 x 424 pixels; the longest side may have 4096/);
      await refuse('#image-files', 'text.jpg', 'Dear galaxy,\n', /^text\.jpg is neither a JPEG nor a PNG image/);
      await refuse('#image-files', 'empty.png', '', /^empty\.png is empty/);
      const beginning = (name: string) => readFileSync(join(images, name)).subarray(0, 4000);
      await refuse('#image-files', 'half.jpg', beginning('a.jpg'), /^half\.jpg is cut off/);
      await refuse('#image-files', 'half.png', beginning('b.png'), /^half\.png cannot be decoded/);

      // Too large for the adapter: the sentence stands where the answer would.
      await choose(page, '#model-file', put('vast.safetensors', packedAt(16_384)));
      expect(await textOf(page, '#answer', /does not fit/)).toMatch(
        /The program does not fit: .* needs \d+ MiB.* use a smaller batch, image or network\.$/,
      );

      await choose(page, '#model-file', models.classes);
      await choose(page, '#image-files', join(images, 'a.jpg'));
      const after = await predictions(page, DRAWN + 1);
      for (const [id, record] of before) expect(after.get(id)).toEqual(record);
      expect(await page.$eval('#message', (element) => element.textContent)).toBe('');

      await page.$eval('#device', (place) => (place.textContent = ''));
      await inWorker(page, 'lose');
      await page.waitForFunction(() => /Computing/.test(document.querySelector('#device')!.textContent!));
      await page.select('#tta', '4');
      await predictions(page, DRAWN + 1);
      await page.select('#tta', '1');
      const again = await predictions(page, DRAWN + 1);
      for (const [id, record] of after) expect(again.get(id)).toEqual(record);

      // Dropped together: the good one is taken, the other is named.
      await page.evaluate(
        (bytes) => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File(['Dear galaxy,'], 'letter.jpg'));
          dataTransfer.items.add(new File([Uint8Array.from(bytes)], 'dropped.jpg'));
          document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer }));
        },
        [...readFileSync(join(images, 'a.jpg'))],
      );
      const dropped = await predictions(page, DRAWN + 2);
      expect(numbersOf(dropped.get('dropped')!)).toEqual(numbersOf(dropped.get('a')!));
      expect(await page.$eval('#message', (element) => element.textContent)).toBe(
        'letter.jpg is neither a JPEG nor a PNG image.',
      );

      // The strip is one tab stop, in which arrow keys move.
      await page.focus('#strip [aria-selected=true]');
      await page.keyboard.press('Home');
      expect(
        await page.$eval('#strip [role=option]:first-child', (option) => [
          option.getAttribute('aria-selected'),
          option === document.activeElement,
        ]),
      ).toEqual(['true', true]);
      expect(await page.$$eval('#strip [tabindex="0"]', (options) => options.length)).toBe(1);
      await expectNoSidewaysScroll(page);
      expect(problems).toEqual([]);
      await page.close();
    });

    it('trains in the page, through the loss of a device, to a file that the command line predicts with', async () => {
      const { page, problems } = await site.open('look.html');
      await untilReady(page);
      await page.evaluate(() => {
        const seen: string[] = [];
        Object.assign(globalThis, { seen });
        new MutationObserver(() => seen.push(document.querySelector('#train-text')!.textContent!)).observe(
          document.querySelector('#train-text')!,
          { childList: true, characterData: true, subtree: true },
        );
      });
      const told = async () => {
        const texts = await page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen);
        return texts.flatMap((text) => {
          const found = /^Step (\d+) of (\d+), .*?: loss ([\d.]+)\./.exec(text);
          return found ? [{ step: Number(found[1]), loss: Number(found[3]), text }] : [];
        });
      };
      const reached = (step: number) =>
        page.waitForFunction(
          (n) => Number(/^Step (\d+)/.exec(document.querySelector('#train-text')!.textContent!)?.[1]) >= n,
          {},
          step,
        );
      await click(page, '#train');
      await reached(5);
      await inWorker(page, 'lose');
      await reached(36);
      await click(page, '#stop');
      await textOf(page, '#model', /trained here/);
      const steps = await told();
      const mean = (part: typeof steps) => part.reduce((sum, { loss }) => sum + loss, 0) / part.length;
      // What the lost device took was made again, from the beginning of its epoch, and came out the same.
      const lost = steps.findIndex(({ step }, i) => step < steps[i - 1]?.step);
      expect(lost).toBeGreaterThanOrEqual(5);
      expect(steps.slice(lost, 2 * lost).map(({ step, loss }) => [step, loss])).toEqual(
        steps.slice(0, lost).map(({ step, loss }) => [step, loss]),
      );
      const losses = steps.slice(lost);
      expect(mean(losses.slice(-12)), losses.map(({ loss }) => loss).join()).toBeLessThan(
        0.85 * mean(losses.slice(0, 12)),
      );
      expect(steps.some(({ text }) => /Of galaxies kept apart: loss [\d.]+, accuracy [\d.]+\./.test(text))).toBe(true);

      // The first step is that of Node: the same galaxies, weights and views from the same seed.
      const training = new Training(
        PAGE_TRAINING,
        () => {},
        () => openDevice({ gpu: openGpu({ adapter: 'lavapipe' }) }),
      );
      const first = await training.next();
      await training.close();
      expect(Math.abs(first!.loss - steps[0].loss)).toBeLessThan(0.0005 + 16 * adaptersBound(SUMS));

      await saveTo(page, '#save', folder);
      await choose(page, '#image-files', ...files);
      expectSame(await predictions(page, DRAWN + files.length), await commandLine(join(folder, 'model.safetensors')));
      expect(problems).toEqual([]);
      await page.close();
    });

    it('says so where the address names a model that is not there', async () => {
      for (const [named, want] of [
        ['gone.safetensors', /gone\.safetensors cannot be had from the server \(it answers 404\)/],
        ['https://example.org/a.safetensors', /is not on this page's server/],
      ] as const) {
        const { page } = await site.open(`look.html?model=${encodeURIComponent(named)}`);
        expect(await textOf(page, '#message', want)).toMatch(want);
        await page.close();
      }
    });
  },
  undefined,
  join(folder, 'classes', 'model.safetensors'),
);
