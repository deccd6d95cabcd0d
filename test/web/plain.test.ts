import { describe, expect, it } from 'vitest';
import { work } from '../../engine/explain/work.ts';
import { defaultsOf, isUpdate, type Explanation, type Settings } from '../../engine/explain/explanation.ts';
import { EXPLANATIONS } from '../../engine/explain/explanations.ts';
import { PlainDevice } from '../../web/plain/plain_device.ts';
import { byHand } from '../reference/by_hand.ts';
import { UNIT } from '../tolerance.ts';

/** Every combination of an explanation's settings. */
function settingsOf({ settings }: Explanation): Settings[] {
  return settings.reduce<Settings[]>(
    (all, { name, choices }) => all.flatMap((s) => choices.map((choice) => ({ ...s, [name]: choice }))),
    [{}],
  );
}

/** What reading as f32 rounds off; less than 2^6 operations in float64 on numbers below 2^7. */
const bound = (want: number) => UNIT * Math.abs(want) + 2 ** -40;

describe('without a GPU', () => {
  it.each(EXPLANATIONS.map((explanation) => [explanation.name, explanation] as const))(
    '%s: its numbers are those worked out by hand',
    async (_, explanation) => {
      for (const settings of settingsOf(explanation)) {
        using device = new PlainDevice();
        const values = await work(device, explanation, settings);
        for (const { name } of explanation.results) {
          const want = byHand(explanation.name, name, values, settings);
          const { data } = values[name];
          expect(data.length).toBe(want.length);
          want.forEach((w, i) => {
            if (!(Math.abs(data[i] - w) <= bound(w)))
              expect.fail(`${name}[${i}] with ${JSON.stringify(settings)} is ${data[i]}, by hand ${w}`);
          });
        }
        expect(device.memory.buffers).toBe(0);
      }
    },
  );
  void [defaultsOf, isUpdate];
});
