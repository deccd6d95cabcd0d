import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addTrainOptions } from '../../cli/commands/train.ts';
import { CHALLENGE } from '../../galaxies/challenge/task.ts';
import { SMOOTH_OR_FEATURED } from '../../galaxies/classify/task.ts';
import { GALAXY_PRESET } from '../../galaxies/preset.ts';
import { MODEL_NAMES } from '../../models/build_network.ts';
import { UPRIGHT_PRESET, withoutUp } from '../../vision/train/presets.ts';

const command = addTrainOptions(new Command('train'), 'runs/classifier');
const says = (name: string) => command.options.find(({ long }) => long === name)!.description;
const [images, sky] = [UPRIGHT_PRESET, GALAXY_PRESET];

describe('the help of train', () => {
  it('states the defaults that a training has', () => {
    for (const { preset } of [CHALLENGE, SMOOTH_OR_FEATURED]) expect(preset).toBe(sky);
    const { views, epochs, learningRate, unfreeze, zoom } = sky.fineTuning!;
    expect(says('--size')).toContain(
      `default: ${images.size[0]}, or what an ONNX file says; from scratch ${images.size[1]}; for galaxies ${sky.size[0]}, from scratch ${sky.size[1]})`,
    );
    expect(sky.crop[1]).toBe(sky.crop[0]);
    expect(says('--crop')).toContain(`for galaxies ${sky.crop[0]} pixels as they are)`);
    expect(images.shortSide).toBe(8 / 7);
    expect(says('--tta')).toMatch(new RegExp(`default: ${sky.tta}\\).*default: ${images.tta}\\)`));
    expect(says('--views')).toContain(`galaxies ${views})`);
    expect(says('--epochs')).toContain(`galaxies ${epochs}; from scratch ${images.epochs}, galaxies ${sky.epochs})`);
    expect(says('--lr')).toContain(`galaxies ${learningRate! * 1e4}e-4; from scratch`);
    expect(says('--unfreeze')).toContain(`galaxies ${unfreeze})`);
    expect(says('--rotation')).toContain(
      `default: ${images.rotation}; for images without an up ${withoutUp(images).rotation}`,
    );
    expect(says('--zoom')).toContain(`default: ${images.zoom}; galaxies ${zoom}, from scratch ${sky.zoom})`);
    expect(says('--shift')).toContain(
      `default: ${images.shift[0]}; galaxies ${sky.shift[0]}, from scratch ${sky.shift[1]})`,
    );
    expect(says('--jitter')).toContain(`default: ${images.jitter}; galaxies ${sky.jitter})`);
    expect(says('--hue')).toContain(`default: ${images.hue}; galaxies ${sky.hue})`);
    expect(says('--width')).toContain(`${sky.model} ${sky.width}`);
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
