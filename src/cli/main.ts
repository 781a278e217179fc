#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

// Halves the processor time of a start. Where the folder can not be written, Node goes on without it.
enableCompileCache(join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sluice', 'compiled'))
const { runCommandLine } = await import('./run.ts')
await runCommandLine()
