import { existsSync, readdirSync } from 'node:fs';
import { describeRemedy, type Remedy } from '../setup/distribution.mjs';

/** Something that is not there, why it matters, and the command or sentence that mends it. */
export interface Missing {
  readonly what: string;
  readonly why: string;
  readonly mend: string;
}

/** What a cluster's node, or a container, has and lacks. */
export interface Node {
  /** A GPU of NVIDIA's that the kernel has a driver for. */
  readonly nvidia: boolean;
  /** What the process runs in; undefined on the machine itself. */
  readonly container: 'apptainer' | 'docker' | undefined;
  /** Vulkan's driver file for it; undefined where none is where the loader looks. */
  readonly driverFile: string | undefined;
  /** May install packages. */
  readonly root: boolean;
}

const ICD_FOLDERS = ['/etc/vulkan/icd.d', '/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d'];

export function readNode(env: NodeJS.ProcessEnv = process.env): Node {
  const named = (env['VK_DRIVER_FILES'] ?? env['VK_ICD_FILENAMES'] ?? '').split(':');
  const found = ICD_FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) =>
    readdirSync(folder).map((name) => `${folder}/${name}`),
  );
  return {
    nvidia: existsSync('/dev/nvidiactl'),
    container:
      env['APPTAINER_CONTAINER'] || env['SINGULARITY_CONTAINER']
        ? 'apptainer'
        : existsSync('/.dockerenv') || existsSync('/run/.containerenv')
          ? 'docker'
          : undefined,
    driverFile: [...named, ...found].find((path) => /nvidia.*\.json$/.test(path) && existsSync(path)),
    root: process.getuid?.() === 0,
  };
}

/** How a binding comes to load, by what the system said when it did not. */
export function bindingRemedy(error: string): string {
  const symbol = /version [`'"](GLIBC(?:XX)?_[\d.]+)/.exec(error)?.[1];
  return symbol === undefined
    ? 'run: npm ci'
    : `this system lacks ${symbol}: the binding needs GLIBC_2.34 and GLIBCXX_3.4.30, which Ubuntu 22.04 and Debian 12 have, and Enterprise Linux 8 and 9 do not; run it in a container (Containerfile, docs/clusters.md)`;
}

/** What is missing where there is a GPU of NVIDIA's and Vulkan does not find it; undefined where that is not so. */
export function missingDriverFile(
  { nvidia, container, driverFile }: Node,
  adapters: readonly string[],
): Missing | undefined {
  if (!nvidia || adapters.some((name) => /nvidia/i.test(name))) return undefined;
  const start = {
    apptainer: 'start apptainer with --nv, then ',
    docker: 'start the container with --gpus all and NVIDIA_DRIVER_CAPABILITIES=all, then ',
  };
  return {
    what: "NVIDIA's Vulkan driver",
    why: driverFile
      ? `${driverFile} is there, but its library does not load`
      : 'there is a GPU, and no driver file tells Vulkan of it',
    mend: `${container ? start[container] : ''}${driverFile ? 'look for libGLX_nvidia.so.0, libX11.so.6 and libXext.so.6, which it needs: ldconfig -p' : 'give it nvidia_icd.json and VK_DRIVER_FILES (docs/clusters.md)'}`,
  };
}

/** A remedy as a command, with what else there is where the user may not install. */
export function remedyOn({ root }: Pick<Node, 'root'>, remedy: Remedy, mirror?: string): string {
  const text = describeRemedy(remedy, mirror);
  return root || remedy.advice ? text : `${text}\n                without root: a container (docs/clusters.md)`;
}
