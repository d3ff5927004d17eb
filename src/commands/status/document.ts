import { statusSchema } from '../../status/document.ts';
import { severalSchema } from '../shared/several-document.ts';

/** What `status --json` prints of several guests. */
export const statusesSchema = severalSchema('mptfix.statuses/1', statusSchema);
