import { serve } from '../serve.ts';
import { openTfjs } from './contender.ts';

// The whole program of tfjs's process: the benchmark bundles it and forks it.
serve(openTfjs);
