/** A public file that `data fetch` can bring. */
export interface Source {
  /** What it is saved as. */
  readonly file: string;
  readonly url: string;
  /** Hexadecimal, where known; without it only the server's word vouches for the file, and its sha256 is printed. */
  readonly sha256?: string;
  readonly md5?: string;
  /** Bytes, where known exactly. */
  readonly size?: number;
  /** Bytes that it stays below, where its size is not known: a server that sends more sends something else. */
  readonly most?: number;
  /** One line for the list of what can be fetched. */
  readonly about: string;
}

/** Files that belong together, under the name they are asked for by. */
export interface SourceSet {
  readonly name: string;
  readonly licence: string;
  readonly files: readonly Source[];
}

const ZENODO = 'https://zenodo.org/records/3565489/files';

/*
 * Where the checksums are from: none was computed by us. The two of Zenodo are those that independent public projects
 * hold the same files against; those of timm belong to the pinned revision, as people who downloaded it recorded them.
 * Of the catalogue no published checksum was found.
 */
export const SOURCES: readonly SourceSet[] = [
  {
    name: 'galaxy-zoo-2',
    licence: 'CC BY 4.0: Willett et al. 2013 (MNRAS 435, 2835), Hart et al. 2016 (MNRAS 461, 3663); images (c) SDSS',
    files: [
      {
        file: 'images_gz2.zip',
        url: `${ZENODO}/images_gz2.zip`,
        md5: 'bc647032d31e50c798770cf4430525c7',
        most: 4_000_000_000,
        about: '243,434 SDSS colour images of 424 x 424 pixels, 3.4 GB, read where they lie in the zip file',
      },
      {
        file: 'gz2_filename_mapping.csv',
        url: `${ZENODO}/gz2_filename_mapping.csv`,
        md5: '7e28465e6dfbf96c0d828c595a5bbd80',
        most: 100_000_000,
        about: 'which image shows which galaxy',
      },
      {
        file: 'gz2_hart16.csv.gz',
        url: 'https://gz2hart.s3.amazonaws.com/gz2_hart16.csv.gz',
        most: 1_000_000_000,
        about: 'what the volunteers said of each galaxy, debiased',
      },
    ],
  },
  {
    name: 'efficientnet-b0',
    licence: 'Apache-2.0: Tan & Le 2019, ported by R. Wightman (timm)',
    files: [
      {
        // The file's name must keep `tf_efficientnet`: by it the reader knows SAME padding and epsilon 1e-3.
        file: 'tf_efficientnet_b0.in1k.safetensors',
        url: 'https://huggingface.co/timm/tf_efficientnet_b0.in1k/resolve/8186ca4217f9c67824ebe7566008bdc69976d15a/model.safetensors',
        sha256: '276dfe076f3fca30c2f7bf1e44039e395e6de50248caaa159d16530699f16995',
        size: 21_355_344,
        about: 'EfficientNet-B0 trained on ImageNet by its authors, 21 MB',
      },
    ],
  },
  {
    name: 'efficientnet-b0-ra',
    licence: 'Apache-2.0: R. Wightman (timm)',
    files: [
      {
        file: 'efficientnet_b0.ra_in1k.safetensors',
        url: 'https://huggingface.co/timm/efficientnet_b0.ra_in1k/resolve/1b5383e5f79cc0f7fc067e372f8f26a5fa73f26a/model.safetensors',
        sha256: 'd569899762ea9b1384ee07f4af64805cf8caa1c55f9253ebb1080dc40e87a2cd',
        size: 21_355_344,
        about: 'EfficientNet-B0 trained on ImageNet anew in PyTorch with RandAugment, symmetric padding, 21 MB',
      },
    ],
  },
];

/** The same checkpoints as their publishers have them, which are read too. No sha256 of them was found. */
export const OTHER_FORMATS: readonly Source[] = [
  {
    file: 'efficientnet-b0-355c32eb.pth',
    url: 'https://github.com/lukemelas/EfficientNet-PyTorch/releases/download/1.0/efficientnet-b0-355c32eb.pth',
    about: 'efficientnet_pytorch, a file of PyTorch; its sha256 begins with the digits in its name',
  },
  {
    file: 'efficientnetb0_notop.h5',
    url: 'https://storage.googleapis.com/keras-applications/efficientnetb0_notop.h5',
    md5: '50bc09e76180e00e4465e1a485ddc09d',
    about: 'Keras, HDF5, trunk only',
  },
];
