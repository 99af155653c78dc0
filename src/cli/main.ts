#!/usr/bin/env node
import { interruptions } from './interruption.ts';
import { runCommandLine } from './program.ts';

const [, , ...args] = process.argv;
// A bus URL on the command line may hold a password, and everybody on the machine can list command lines.
process.title = `unstale ${/^[a-z]{1,16}$/.exec(args[0] ?? '')?.[0] ?? ''}`.trim();
process.exitCode = await runCommandLine(args, interruptions());
