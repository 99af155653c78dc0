import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const root = fileURLToPath(new URL('..', import.meta.url));

function tracked(...patterns: string[]): string[] {
  const list = execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...patterns],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  return [...new Set(list.split('\n'))].filter((file) => file.length > 0);
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** What a file imports: relative targets resolved to paths of the repository, others as they stand. */
function importsOf(file: string): { readonly target: string; readonly dynamic: boolean }[] {
  const found = [];
  for (const match of read(file).matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s*'([^']+)'|\n\s*import\s*'([^']+)'|import\(\s*'([^']+)'/g,
  )) {
    const specifier = match[1] ?? match[2] ?? match[3] ?? '';
    const target = specifier.startsWith('.')
      ? posix.join(posix.dirname(file), specifier)
      : specifier;
    found.push({ target, dynamic: match[3] !== undefined });
  }
  return found;
}

/** The part of the tree that a file belongs to, for the import walls. */
function partOf(path: string): string {
  const [top = '', second = ''] = path.split('/');
  if (path === 'src/index.ts') return 'index';
  return top === 'src' || top === 'adapters' ? `${top}/${second}` : top;
}

const WALLS: Readonly<Record<string, readonly string[]>> = {
  'src/protocol': [],
  'src/bus': [],
  'src/cluster': ['src/protocol', 'src/bus'],
  'src/cache': ['src/cluster', 'src/protocol', 'src/bus'],
  index: ['src/bus', 'src/protocol', 'src/cluster', 'src/cache'],
  'src/config': ['index'],
  'src/inversify': ['index', 'src/config'],
  'src/opentelemetry': ['index'],
  'src/cli': ['index', 'src/config', 'src/cache', 'src/cluster', 'src/bus', 'src/protocol'],
};

/** Packages that each part may import, besides Node's own modules. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'src/protocol': [],
  'src/bus': [],
  'src/cluster': [],
  'src/cache': ['lru-cache'],
  index: [],
  'src/config': ['zod', 'yaml', 'fastest-levenshtein'],
  'src/inversify': ['inversify'],
  'src/opentelemetry': ['@opentelemetry/api'],
  'src/cli': ['commander', 'cli-progress', 'cli-table3', 'cli-truncate', 'lru-cache'],
  'adapters/memory': [],
  'adapters/ipc': [],
  'adapters/xmpp': ['@xmpp/client', 'ws'],
  'adapters/stomp': ['stompit'],
  'adapters/amqp': ['amqplib'],
  'conformance-tests': ['mocha', 'chai'],
};

describe('the tree', () => {
  it('keeps its import walls', () => {
    const broken: string[] = [];
    for (const file of tracked('src/**/*.ts', 'src/*.ts')) {
      const part = partOf(file);
      for (const { target, dynamic } of importsOf(file)) {
        if (!target.startsWith('src/') && !target.startsWith('adapters/')) continue;
        const other = partOf(target);
        if (other === part || WALLS[part]?.includes(other) === true) continue;
        if (dynamic && target.startsWith('adapters/')) continue;
        broken.push(`${file} imports ${target}`);
      }
    }
    for (const file of tracked('adapters/**/*.ts')) {
      const part = partOf(file);
      for (const { target } of importsOf(file)) {
        if (!/^(src|adapters|conformance-tests|test)\//.test(target)) continue;
        if (target === 'src/index.ts' || partOf(target) === part) continue;
        broken.push(`${file} imports ${target}`);
      }
    }
    for (const file of tracked('conformance-tests/**/*.ts')) {
      if (file.startsWith('conformance-tests/run/')) continue;
      for (const { target } of importsOf(file)) {
        if (!/^(src|adapters|test)\//.test(target) || target === 'src/index.ts') continue;
        broken.push(`${file} imports ${target}`);
      }
    }
    expect(broken).to.deep.equal([]);
  });

  it('lets each part import only its own packages', () => {
    const broken: string[] = [];
    for (const file of tracked('src/**/*.ts', 'adapters/**/*.ts', 'conformance-tests/**/*.ts')) {
      if (file.startsWith('conformance-tests/run/')) continue;
      const allowed = PACKAGES[partOf(file)] ?? [];
      for (const { target } of importsOf(file)) {
        const isPackage = !/^(src|adapters|conformance-tests|test|brokers)\//.test(target);
        if (!isPackage) continue;
        if (target.startsWith('node:')) {
          if (partOf(file) === 'src/protocol') broken.push(`${file} imports ${target}`);
        } else if (!allowed.includes(target)) broken.push(`${file} imports ${target}`);
      }
    }
    expect(broken).to.deep.equal([]);
  });

  it('keeps time, chance and promises out of the protocol', () => {
    const forbidden =
      /\b(Date\.|Math\.random|performance\.|setTimeout|setInterval|setImmediate|queueMicrotask|Promise|await|process\.|crypto\.)/;
    const broken = tracked('src/protocol/**/*.ts').filter((file) =>
      read(file)
        .split('\n')
        .some((line) => !/^\s*(\/?\*|\/\/)/.test(line) && forbidden.test(line)),
    );
    expect(broken).to.deep.equal([]);
  });

  it('names its files in kebab-case', () => {
    const odd = tracked('*.ts').filter(
      (file) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.spec|\.d)?\.ts$/.test(posix.basename(file)),
    );
    expect(odd).to.deep.equal([]);
  });

  it('has no default exports', () => {
    const broken: string[] = [];
    for (const file of tracked('src/**/*.ts', 'adapters/**/*.ts')) {
      if (/^export default/m.test(read(file))) broken.push(file);
    }
    expect(broken).to.deep.equal([]);
  });

  it('opens every page of the documentation with a TL;DR', () => {
    const broken = tracked('docs/*.md', 'docs/adapters/*.md').filter(
      (file) =>
        !read(file)
          .split('\n')
          .slice(0, 6)
          .some((line) => /TL;DR/.test(line)),
    );
    expect(broken).to.deep.equal([]);
  });

  it('has no link to a page that is not there', () => {
    const broken: string[] = [];
    for (const file of tracked('*.md', 'docs/**/*.md')) {
      for (const [, target = ''] of read(file).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        const path = posix.join(posix.dirname(file), target);
        const known = tracked(path, `${path}/*`);
        if (known.length === 0) broken.push(`${file} → ${target}`);
      }
    }
    expect(broken).to.deep.equal([]);
  });

  it('keeps addresses of a registry out of the lock file', () => {
    expect(read('package-lock.json')).not.to.match(/"resolved"/);
  });

  it('exports plain strings into dist, and each has a source', () => {
    const { exports } = JSON.parse(read('package.json')) as { exports: Record<string, string> };
    for (const [subpath, target] of Object.entries(exports)) {
      if (subpath === './package.json') continue;
      expect(target).to.match(/^\.\/dist\/.+\.js$/);
      const source = target.replace('./dist/', '').replace(/\.js$/, '.ts');
      expect(tracked(source), `${subpath} → ${source}`).to.have.length(1);
      expect(dirname(source)).to.not.equal('');
    }
  });
});
