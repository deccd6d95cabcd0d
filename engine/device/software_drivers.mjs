// Plain JavaScript, because the set-up script reads it before anything is built or installed.

/** Where Linux distributions and browsers put the description of a Vulkan driver that runs on the CPU. */
export const SOFTWARE_DRIVERS = {
  lavapipe: [
    '/usr/share/vulkan/icd.d/lvp_icd.json',
    '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json',
    '/usr/share/vulkan/icd.d/lvp_icd.aarch64.json',
  ],
  swiftshader: [
    '/usr/lib/chromium/vk_swiftshader_icd.json',
    '/usr/lib/chromium-browser/vk_swiftshader_icd.json',
    '/opt/google/chrome/vk_swiftshader_icd.json',
  ],
};

/** What those drivers call themselves, as far as Dawn's choice of an adapter by name needs it. */
export const SOFTWARE_ADAPTER_NAMES = { lavapipe: 'llvmpipe', swiftshader: 'SwiftShader' };
