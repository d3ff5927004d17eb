import { describe, expect, expectTypeOf, it } from 'vitest';
import { defined } from '../src/optional.ts';

describe('defined', () => {
  it('leaves out what is undefined, and nothing else', () => {
    expect(defined({ a: undefined, b: null, c: 0, d: '' })).toStrictEqual({ b: null, c: 0, d: '' });
  });

  it('makes what may be undefined optional, and leaves the rest required', () => {
    const how: string | undefined = [undefined, 'removed'][0];
    expectTypeOf(defined({ how, count: 1 })).toExtend<{ readonly how?: string; readonly count: number }>();
  });
});
