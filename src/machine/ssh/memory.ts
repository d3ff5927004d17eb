import type { Connection, Limits } from './connection.ts';
import type { Answer } from './frames.ts';

/** Answers larger than this are asked for again; all together are forgotten when they are larger than that. */
const LARGEST_BYTES = 8 * 1024 * 1024;
const ALL_BYTES = 128 * 1024 * 1024;

/**
 * What a guest has answered in this run. It is looked at once, so that what is said of it is of one moment, and what is
 * far away is not asked for twice; until something is run that may change it.
 */
export interface Memory {
  /** Asks anew: for what changes by itself. */
  ask(script: string, limits: Limits): Promise<Answer>;
  /** The answer to a question of this name, which is asked if it was not. */
  recall(name: string, script: string, limits: Limits): Promise<Answer>;
  /** What is remembered, or on its way. */
  known(name: string): Promise<Answer> | undefined;
  forget(): void;
  hasAsked(): boolean;
}

export function memoryOf(connection: () => Promise<Connection>): Memory {
  const answers = new Map<string, Promise<Answer>>();
  let bytes = 0;
  let hasAsked = false;
  const ask: Memory['ask'] = async (script, limits) => {
    hasAsked = true;
    return (await connection()).ask(script, limits);
  };
  const forget = (): void => {
    answers.clear();
    bytes = 0;
  };
  return {
    ask,
    recall: (name, script, limits) => {
      const known = answers.get(name);
      if (known !== undefined) return known;
      const answer = ask(script, limits);
      answers.set(name, answer);
      answer.then(
        ({ stdout, tooMuch }) => {
          bytes += stdout.length;
          if (tooMuch || stdout.length > LARGEST_BYTES) answers.delete(name);
          if (bytes > ALL_BYTES) forget();
        },
        () => answers.delete(name),
      );
      return answer;
    },
    known: (name) => answers.get(name),
    forget,
    hasAsked: () => hasAsked,
  };
}
