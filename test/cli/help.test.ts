import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addTrainOptions } from '../../cli/commands/train.ts';
import { CHALLENGE } from '../../galaxies/challenge/task.ts';
import { SMOOTH_OR_FEATURED } from '../../galaxies/classify/task.ts';
import { MODEL_NAMES } from '../../models/build_network.ts';
import { UPRIGHT_PRESET, withoutUp } from '../../vision/train/presets.ts';

const command = addTrainOptions(new Command('train'), 'runs/classifier');
const says = (name: string) => command.options.find(({ long }) => long === name)!.description;
const [images, sky, challenge] = [UPRIGHT_PRESET, SMOOTH_OR_FEATURED.preset, CHALLENGE.preset];

describe('the help of train', () => {
  it('states the defaults that a training has', () => {
    expect(says('--size')).toContain(
      `default: ${images.size[0]}, or what an ONNX file says; from scratch ${images.size[1]}; for galaxies ${sky.size[0]}, from scratch smooth-or-featured ${sky.size[1]} and the challenge ${challenge.size[1]})`,
    );
    expect(says('--crop')).toContain(
      `${sky.crop[0]} pixels as they are, from scratch smooth-or-featured ${sky.crop[1]} and the challenge ${challenge.crop[1]}`,
    );
    expect(images.shortSide).toBe(8 / 7);
    expect(says('--tta')).toMatch(new RegExp(`default: ${sky.tta}\\).*default: ${images.tta}\\)`));
    expect([challenge.size[0], challenge.crop[0]]).toEqual([sky.size[0], sky.crop[0]]);
    expect(challenge.fineTuning).toEqual(sky.fineTuning);
    const { views, epochs, learningRate, unfreeze, zoom, jitter, hue } = sky.fineTuning!;
    expect(says('--views')).toContain(`galaxies ${views})`);
    expect(says('--epochs')).toContain(
      `galaxies ${epochs}; from scratch ${images.epochs}, challenge ${challenge.epochs}`,
    );
    expect(says('--lr')).toContain(`galaxies ${learningRate! * 1e4}e-4; from scratch`);
    expect(says('--unfreeze')).toContain(`galaxies ${unfreeze})`);
    const scratch = 'smooth-or-featured from scratch';
    expect(says('--rotation')).toContain(
      `default: ${images.rotation}; for images without an up ${withoutUp(images).rotation}`,
    );
    expect(says('--zoom')).toContain(`default: ${images.zoom}; galaxies ${zoom}, ${scratch} ${sky.zoom})`);
    expect(says('--shift')).toContain(
      `default: ${images.shift[0]}; galaxies ${sky.shift[0]}, challenge from scratch ${challenge.shift[1]}`,
    );
    expect(says('--jitter')).toContain(`default: ${images.jitter}; galaxies ${jitter}, ${scratch} ${sky.jitter}`);
    expect([zoom, jitter, hue]).toEqual([challenge.zoom, challenge.jitter, challenge.hue]);
    expect(says('--hue')).toContain(`default: ${images.hue}; galaxies ${hue}, ${scratch} ${sky.hue}`);
    expect(says('--width')).toContain(`galaxy_vgg ${challenge.width}`);
  });

  it('names every model', () => {
    // `efficientnet_b0 to _b7`, and `_large` after a name that it shares the beginning of.
    const text = says('--model');
    for (const name of MODEL_NAMES)
      expect(
        text.includes(name) || /^efficientnet_b[1-6]$/.test(name) || text.includes(name.replace(/^.*_/, '_')),
        name,
      ).toBe(true);
  });

  it('puts every option under a heading', () => {
    const bare = command.options.filter(({ helpGroupHeading }) => !helpGroupHeading || helpGroupHeading === 'Options:');
    expect(bare.map(({ long }) => long)).toEqual([]);
  });
});
