// What a machine needs for a WebGPU adapter, by distribution. Shared by the set-up script, which installs it where it
// can, and by `doctor`, which prints the command.
import { readFileSync } from 'node:fs';

/** The distribution as /etc/os-release tells it; elsewhere the operating system alone. */
export function readDistribution(file = '/etc/os-release', platform = process.platform) {
  if (platform !== 'linux')
    return {
      id: platform,
      version: 0,
      codename: '',
      name: { darwin: 'macOS', win32: 'Windows' }[platform] ?? platform,
    };
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // A Linux without the file is an unknown one.
  }
  const field = (name) => new RegExp(`^${name}=["']?(.*?)["']?$`, 'm').exec(text)?.[1] ?? '';
  // Debian's testing and unstable have no number: they are newer than every release that has.
  const version = field('VERSION_ID') === '' ? Infinity : Number(field('VERSION_ID'));
  return {
    id: field('ID') || 'linux',
    version,
    codename: field('VERSION_CODENAME'),
    name: field('PRETTY_NAME') || 'this Linux',
  };
}

// Packages of lavapipe, Mesa's Vulkan driver for the CPU, and of the Vulkan loader.
const LAVAPIPE = ['mesa-vulkan-drivers', 'libvulkan1'];

const ELSEWHERE = {
  fedora: 'sudo dnf install mesa-vulkan-drivers vulkan-loader',
  arch: 'sudo pacman -S vulkan-swrast vulkan-icd-loader',
  'opensuse-tumbleweed': 'sudo zypper install libvulkan_lvp libvulkan1',
  'opensuse-leap': 'sudo zypper install libvulkan_lvp libvulkan1',
};

/**
 * How a software Vulkan adapter gets onto the machine: packages for apt (from the suite, where Debian 12's own Mesa
 * 22.3 is too old for Dawn), or, where a script should not do it, a sentence for a person.
 */
export function lavapipeRemedy({ id, version, codename, name }) {
  if (id === 'debian' && version >= 13) return { packages: LAVAPIPE };
  if (id === 'debian' && version === 12) return { packages: LAVAPIPE, suite: `${codename}-backports` };
  if (id === 'ubuntu' && version >= 24.04) return { packages: LAVAPIPE };
  if (ELSEWHERE[id]) return { advice: `run: ${ELSEWHERE[id]}` };
  if (id === 'darwin')
    return {
      advice:
        'WebGPU runs on Metal, which every Mac since 2012 has: update macOS, and leave any virtual machine without a GPU',
    };
  if (id === 'win32')
    return {
      advice:
        'WebGPU runs on Direct3D 12, whose software adapter comes with Windows 10 and later: update Windows and the graphics driver',
    };
  return {
    advice: `${name} has no package that is known here: install a Vulkan driver (Mesa 23.2 or later contains lavapipe, which needs no GPU) and the Vulkan loader libvulkan.so.1`,
  };
}

/**
 * How SwiftShader, the second software adapter that the tests compare with, gets onto the machine: it comes with
 * Chromium.
 */
export function swiftshaderRemedy({ id }) {
  if (id === 'debian') return { packages: ['chromium'] };
  return {
    advice:
      'SwiftShader comes with Chrome and Chromium, but not with one installed as a snap: install the package of either',
  };
}

/** A remedy as a command or a sentence; `mirror` is where the machine fetches its distribution from. */
export function describeRemedy({ packages, suite, advice }, mirror = 'http://deb.debian.org/debian') {
  if (advice) return advice;
  const install = `sudo apt-get update && sudo apt-get install -y ${suite ? `-t ${suite} ` : ''}${packages.join(' ')}`;
  return suite
    ? `echo 'deb ${mirror} ${suite} main' | sudo tee /etc/apt/sources.list.d/${suite}.list && ${install}`
    : install;
}
