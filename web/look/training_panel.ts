import { byId, paletteColour } from '../common/dom.ts';
import type { WorkerClient } from '../common/worker_client.ts';
import type { ModelFacts } from './look_core.ts';
import type { LookMethods } from './look_worker.ts';
import type { TrainingNews } from './training.ts';

const [start, stop, save] = ['train', 'stop', 'save'].map((id) => byId<HTMLButtonElement>(id));
const losses = byId<HTMLCanvasElement>('losses');

/** Trains in the page. `onDone` gets the model, `onError` what went wrong. */
export class TrainingPanel {
  private stopped = false;
  private readonly news: TrainingNews[] = [];

  constructor(
    private readonly worker: WorkerClient<LookMethods>,
    private readonly onDone: (model: ModelFacts) => Promise<void>,
    private readonly onError: (error: unknown) => void,
  ) {
    start.onclick = () => void this.train();
    stop.onclick = () => {
      this.stopped = true;
      stop.disabled = true;
    };
    save.onclick = () => void this.save();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.drawLosses());
    new ResizeObserver(() => this.drawLosses()).observe(losses);
  }

  enable(): void {
    start.disabled = false;
  }

  private async train(): Promise<void> {
    this.stopped = false;
    this.news.length = 0;
    start.disabled = true;
    stop.disabled = stop.hidden = false;
    byId('training').hidden = false;
    byId('train-text').textContent = 'Drawing galaxies to learn from …';
    byId<HTMLProgressElement>('train-progress').removeAttribute('value');
    stop.focus();
    try {
      await this.worker.call('trainBegin');
      while (!this.stopped) {
        const news = await this.worker.call('trainStep');
        if (!news) break;
        this.news.push(news);
        this.tell(news);
      }
      byId('train-text').textContent += this.stopped ? ' Stopped: what was learnt so far is used.' : ' Done.';
      const model = await this.worker.call('trainEnd');
      // The file is offered before the images are looked at with the model, which takes a while.
      save.hidden = false;
      await this.onDone(model);
    } catch (error) {
      this.onError(error);
    } finally {
      start.disabled = false;
      if (document.activeElement === stop || document.activeElement === document.body) start.focus();
      stop.hidden = true;
    }
  }

  private tell({ step, steps, epoch, epochs, loss }: TrainingNews): void {
    const judged = this.news.findLast(({ validation }) => validation)?.validation;
    const said = judged
      ? ` Of galaxies kept apart: loss ${judged.loss.toFixed(3)}, ${judged.figure} ${judged.value.toFixed(2)}.`
      : '';
    byId('train-text').textContent =
      `Step ${step} of ${steps}, epoch ${epoch} of ${epochs}: loss ${loss.toFixed(3)}.${said}`;
    byId<HTMLProgressElement>('train-progress').value = step / steps;
    requestAnimationFrame(() => this.drawLosses());
  }

  private drawLosses(): void {
    const { clientWidth, clientHeight } = losses;
    if (clientWidth === 0 || this.news.length === 0) return;
    const scale = devicePixelRatio;
    losses.width = clientWidth * scale;
    losses.height = clientHeight * scale;
    const context = losses.getContext('2d')!;
    context.scale(scale, scale);
    const { steps } = this.news[0];
    const top = Math.max(
      ...this.news.map(({ loss, validation }) =>
        Math.max(loss, Math.min(validation?.loss ?? 0, 2 * this.news[0].loss)),
      ),
    );
    const y = (loss: number) => 14 + (clientHeight - 18) * (1 - Math.min(loss, top) / top);
    context.fillStyle = paletteColour('faint');
    context.font = '12px system-ui, sans-serif';
    const label = top.toPrecision(3);
    const left = Math.max(40, context.measureText(label).width + 10);
    const x = (step: number) => left + ((clientWidth - left - 4) * (step - 1)) / Math.max(1, steps - 1);
    context.fillText(label, 4, 18);
    context.fillText('0', 4, clientHeight - 4);
    for (const { step, loss } of this.news) {
      context.beginPath();
      context.arc(x(step), y(loss), 2, 0, 2 * Math.PI);
      context.fill();
    }
    context.strokeStyle = paletteColour('accent');
    context.lineWidth = 2;
    context.beginPath();
    for (const { step, validation } of this.news) if (validation) context.lineTo(x(step), y(validation.loss));
    context.stroke();
    const last = this.news[this.news.length - 1];
    losses.setAttribute(
      'aria-label',
      `The loss by step: ${this.news[0].loss.toFixed(3)} at first, ${last.loss.toFixed(3)} at step ${last.step}`,
    );
  }

  private async save(): Promise<void> {
    try {
      const url = URL.createObjectURL(
        new Blob([(await this.worker.call('saved')) as Uint8Array<ArrayBuffer>], { type: 'application/octet-stream' }),
      );
      const link = document.createElement('a');
      link.href = url;
      link.download = 'model.safetensors';
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (error) {
      this.onError(error);
    }
  }
}
