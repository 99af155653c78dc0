#!/usr/bin/env node
import { interruptions } from './interruption.ts';
import { runCommandLine } from './program.ts';

process.exitCode = await runCommandLine(process.argv.slice(2), interruptions());
