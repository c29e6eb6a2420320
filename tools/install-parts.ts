/**
 * Brings every part that is downloaded or built into the cache, side by side, while something else is going on. A part
 * that cannot be had here is no failure of this script: the suite that needs it says so itself.
 */
import { installAll } from '@modelgate/real-parts';

await installAll({ onProgress: (text) => process.stdout.write(`   parts: ${text}\n`) });
