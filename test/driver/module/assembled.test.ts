import { describe, expect, it } from 'vitest';
import { scanModule } from '../../../src/driver/module/scan.ts';
import { compile } from './routine-fixture.ts';

/**
 * A routine around a few instructions of interest: the status is in %eax, the command in %rbx (%ebx), the result at
 * 0x120. The four stores are the results that every completion routine gives.
 */
async function judge(lines: string, bits: 32 | 64 = 64, more = ''): Promise<string> {
  const command = bits === 64 ? '%rbx' : '%ebx';
  const source = `
.text
.globl mptscsih_io_done
.type mptscsih_io_done,@function
mptscsih_io_done:
  movl $0x10000,0x120(${command})
  movl $0x40000,0x120(${command})
  movl $0x80000,0x120(${command})
  movl $0xb0000,0x120(${command})
  movzbl 5(${bits === 64 ? '%rsi' : '%esi'}),%eax
${lines.replaceAll('RESULT', `0x120(${command})`)}
9:
  ret
.size mptscsih_io_done,.-mptscsih_io_done
${more}
`;
  const scan = scanModule(await compile(source, [`-m${bits}`], 'assembler'), 'mptscsih.ko');
  return scan.verdict === 'unknown' ? `unknown: ${scan.detail}` : scan.verdict;
}

describe('other ways to make the same result', () => {
  it.each([
    ['or', 'orl $0x20000,%eax\n movl %eax,RESULT'],
    ['or through a copy', 'movl %eax,%ecx\n orl $0x20000,%ecx\n movl %ecx,%edx\n movl %edx,RESULT'],
    ['or into memory', 'movl %eax,RESULT\n orl $0x20000,RESULT'],
    ['or of one byte in memory', 'movl %eax,RESULT\n orb $2,2+RESULT'],
    ['add', 'addl $0x20000,%eax\n movl %eax,RESULT'],
    ['sub of the negative', 'subl $-0x20000,%eax\n movl %eax,RESULT'],
    ['xor', 'xorl $0x20000,%edx\n movl %edx,RESULT'],
    ['a set bit', 'btsl $17,%eax\n movl %eax,RESULT'],
    ['a constant or a register', 'movl $0x20000,%edx\n orl %eax,%edx\n movl %edx,RESULT'],
    ['a register or a constant', 'movl $0x20000,%edx\n orl %edx,%eax\n movl %eax,RESULT'],
    [
      'a constant that waits behind a jump',
      'movl $0x20000,%edx\n cmpb $8,%al\n jne 1f\n orl %eax,%edx\n movl %edx,RESULT\n1:',
    ],
    ['a status put into the low byte', 'movl $0x20000,%edx\n movb %al,%dl\n movl %edx,RESULT'],
    ['8 put into the low byte', 'movl $0x20000,%edx\n movb $8,%dl\n movl %edx,RESULT'],
    ['or with the constant 8', 'movl $0x20000,%edx\n orl $8,%edx\n movl %edx,RESULT'],
    [
      'a shifted comparison',
      'xorl %ecx,%ecx\n cmpb $8,%al\n sete %cl\n shll $17,%ecx\n orl %eax,%ecx\n movl %ecx,RESULT',
    ],
    [
      'a masked comparison',
      'cmpb $8,%al\n sete %cl\n movzbl %cl,%ecx\n negl %ecx\n andl $0x20000,%ecx\n orl %ecx,%eax\n movl %eax,RESULT',
    ],
    [
      'a borrow as a mask',
      'cmpb $9,%al\n sbbl %ecx,%ecx\n andl $0x20000,%ecx\n addl %eax,%ecx\n movl %ecx,RESULT',
    ],
    ['a conditional move of all', 'movl $0x20008,%ecx\n cmpb $8,%al\n cmovel %ecx,%eax\n movl %eax,RESULT'],
    [
      'a conditional move of the host byte',
      'xorl %ecx,%ecx\n movl $0x20000,%edx\n cmpb $8,%al\n cmovel %edx,%ecx\n orl %eax,%ecx\n movl %ecx,RESULT',
    ],
    ['a known 8', 'movl $8,%eax\n orl $0x20000,%eax\n movl %eax,RESULT'],
    ['the constant at another offset', 'movl $0x20008,0x98(%ebx)'],
  ])('%s', async (_name, lines) => {
    const wide = lines.replaceAll('(%ebx)', '(%rbx)');
    expect(await judge(wide, 64)).toBe('affected');
    expect(await judge(lines, 32)).toBe('affected');
  });

  it('lea', async () => {
    expect(await judge('leal 0x20000(%rax),%edx\n movl %edx,RESULT')).toBe('affected');
    expect(await judge('movl $0x20000,%edx\n leal (%rdx,%rax),%ecx\n movl %ecx,RESULT')).toBe('affected');
    expect(await judge('leal 0x20000(%eax),%edx\n movl %edx,RESULT', 32)).toBe('affected');
  });

  it('behind what BUG() of 2.6.14 left in the code', async () => {
    const bug = 'ud2\n .short 0x1234\n .long file\n orl $0x20000,%eax\n movl %eax,RESULT';
    expect(await judge(bug, 32, '.section .rodata\nfile: .asciz "scatterlist.h"')).toBe('affected');
  });
});

describe('what is not the branch', () => {
  it.each([
    ['a lost nexus', 'movl $0x20000,RESULT'],
    ['a lost nexus in a register', 'movl $0x20000,%edx\n jmp 1f\n movl $0xb0000,%edx\n1: movl %edx,RESULT'],
    [
      'a register that is used again',
      'movl $0x20000,%eax\n movl %eax,RESULT\n movb 7(%esi),%al\n testb %al,%al',
    ],
    [
      'a choice of two host bytes',
      'movl $0x20000,%edx\n movl $0xb0000,%ecx\n testl %eax,%eax\n cmovel %edx,%ecx\n movl %ecx,RESULT',
    ],
    [
      'a computed choice of two host bytes',
      'cmpl $1,%eax\n sbbl %edx,%edx\n andl $0x60000,%edx\n addl $0x20000,%edx\n movl %edx,RESULT',
    ],
    [
      'comparisons and tests',
      'cmpl $0x20008,RESULT\n je 9f\n testl $0x20008,%edx\n jne 9f\n testl $0x20000,%edx\n je 9f\n andl $0x20000,%edx\n je 9f',
    ],
    ['a displacement', 'movl 0x20008(%ecx),%edx\n movl %edx,4(%esi)'],
    ['a bare BUSY', 'movl $8,RESULT'],
    ['another host byte without status', 'movl $0xe0000,RESULT'],
  ])('%s', async (_name, lines) => {
    const wide = lines.replaceAll(
      /\((%e..)\)/g,
      (_, register: string) => `(${register.replace('%e', '%r')})`,
    );
    expect(await judge(wide, 64)).toBe('branch-absent');
    expect(await judge(lines, 32)).toBe('branch-absent');
  });

  it('a number that the loader fills in', async () => {
    expect(await judge('movl $elsewhere+0x20008,RESULT', 32)).toBe('branch-absent');
    expect(await judge('movl $elsewhere+0x20008,RESULT', 64)).toBe('branch-absent');
  });

  it('arithmetic on an address', async () => {
    expect(await judge('addq $0x20000,%rdx\n movq %rdx,8(%rsi)')).toBe('branch-absent');
  });
});

describe('what is not clear is unknown, with the reason', () => {
  it.each([
    ['a constant on the stack', 'movl $0x20000,8(%rsp)', /kept on the stack/],
    ['a constant spilled', 'movl $0x20000,%edx\n movl %edx,8(%rsp)', /kept on the stack/],
    ['a constant through a jump table', 'movl $0x20000,%edx\n jmp *table(,%rcx,8)', /jump table/],
    [
      'a flag joined with something',
      'movl 4(%rsi),%edx\n andl $0x20000,%edx\n orl %edx,%eax\n movl %eax,RESULT',
      /flag is joined/,
    ],
    ['a sum that goes to another place', 'orl $0x20000,%eax\n movl %eax,0x30(%rsi)', /cannot be followed/],
    ['a host byte stored alone', 'movb $2,2+RESULT', /apart from the rest/],
    ['bytes that are no code', '.byte 0x06', /not an instruction/],
    [
      'a relocation inside an instruction',
      '.byte 0xb8\n .byte 1\n .long elsewhere\n nop',
      /relocation falls inside/,
    ],
  ])('%s', async (_name, lines, reason) => {
    const said = await judge(lines);
    expect(said).toMatch(/^unknown: /);
    expect(said).toMatch(reason);
  });
});
