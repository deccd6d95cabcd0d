/** Whose names `exportWeights` can give. */
export const EXPORT_NAMES = ['torchvision', 'timm', 'keras', 'efficientnet_pytorch'] as const;
export type ExportName = (typeof EXPORT_NAMES)[number];
