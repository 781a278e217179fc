import { Visitor } from '@swc/core/Visitor.js'

// swc parses `using`, but its visitor, which dependency-cruiser walks with, does not know the statement and throws.
const { visitStatement } = Visitor.prototype
Visitor.prototype.visitStatement = function (statement) {
  if (statement.type !== 'UsingDeclaration') return visitStatement.call(this, statement)
  statement.decls = this.visitVariableDeclarators(statement.decls)
  return statement
}

/** Rooms that decide: no input, output, clock or log. */
const PURE_ROOMS = '^src/(base|api|canary|mesh/(model|istio|envoy|injector))/'
/** All of analysis but the asking. */
const PURE_ANALYSIS =
  '^src/analysis/((statistics|builtin|judge)/|guard/(entries|port|track)[.]ts$|(compare|conclude|evidence-record|plain-template|promql|replay|template|template-variables|window)[.]ts$)'

/** What a room may import beside `base` and itself; whatever is absent is forbidden. */
export const rooms = {
  base: [],
  runtime: [],
  api: [],
  canary: ['api'],
  analysis: ['api', 'runtime'],
  kube: ['api', 'runtime'],
  traffic: ['api', 'kube', 'runtime'],
  flagger: ['api', 'kube'],
  hooks: ['api', 'runtime'],
  notify: ['api', 'runtime'],
  gitops: ['api', 'kube', 'runtime'],
  controller: ['api', 'runtime', 'canary', 'analysis', 'kube', 'traffic', 'hooks', 'notify', 'gitops'],
  'mesh/model': [],
  'mesh/istio': ['api', 'mesh/model'],
  'mesh/envoy': ['mesh/model'],
  'mesh/xds': ['mesh/model', 'mesh/envoy', 'runtime'],
  'mesh/ca': ['runtime'],
  'mesh/injector': ['api', 'mesh/model', 'mesh/istio', 'mesh/envoy'],
  'mesh/control-plane': ['api', 'kube', 'runtime', 'mesh/[^/]+'],
  local: ['api', 'kube', 'runtime', 'mesh/[^/]+'],
  dashboard: ['api', 'kube', 'runtime'],
  // It wires processes: every door is open to it, and it has none.
  cli: ['.+'],
}

const roomRules = Object.entries(rooms).map(([room, allowed]) => ({
  name: `room-${room.replace('/', '-')}`,
  severity: 'error',
  comment:
    allowed.length === 0
      ? `${room} stands on base alone, so that everything may stand on it.`
      : `${room} may import ${['base', ...allowed].join(', ')}: whatever else it needs reaches it through its port.`,
  from: { path: `^src/${room}/` },
  to: { path: '^src/', pathNot: [`^src/(${['base', room, ...allowed].join('|')})/`] },
}))

export default {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Modules in a circle can only be understood, moved and tested together.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'through-the-door',
      severity: 'error',
      comment: 'What index.ts does not name is private, so that a room can be rebuilt behind its door.',
      from: { path: '^src/(mesh/[^/]+|[^/]+)/' },
      to: { path: '^src/', pathNot: ['^src/$1/', '^src/(mesh/)?[^/]+/index[.]ts$'] },
    },
    {
      name: 'pure-rooms',
      severity: 'error',
      comment: 'Rooms that decide take the world as a value: their tests are tables and their past can be replayed.',
      from: { path: [PURE_ROOMS, PURE_ANALYSIS] },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'pure-rooms-packages',
      severity: 'error',
      comment: 'A package that talks, waits or logs is input and output too.',
      from: { path: [PURE_ROOMS, PURE_ANALYSIS] },
      to: { path: 'node_modules/(@grpc/grpc-js|@kubernetes|axios|cron|pino|prom-client|undici)/' },
    },
    {
      name: 'pure-analysis',
      severity: 'error',
      comment: 'In analysis only the asking acts: queries, increases, quantiles and verdicts are arithmetic.',
      from: { path: PURE_ANALYSIS },
      to: { path: '^src/(runtime|analysis/providers)/' },
    },
    ...roomRules.filter(({ name }) => name !== 'room-cli'),
    {
      name: 'src-without-test',
      severity: 'error',
      comment: 'What ships must not need its tests or the scripts that build it.',
      from: { path: '^src/' },
      to: { path: '^(test|scripts)/' },
    },
    {
      name: 'src-without-dev-dependencies',
      severity: 'error',
      comment: 'A development dependency is not there where Sluice is installed.',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm'] },
    },
    {
      name: 'declared-packages',
      severity: 'error',
      comment: 'A package that only another package brings along may be gone tomorrow.',
      from: { path: '^(src|test|scripts)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'An import that leads nowhere is found here before it is found at start.',
      from: { path: '^(src|test|scripts)/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/generated/'] },
    // Imports of types count: they tie rooms together as values do.
    tsPreCompilationDeps: true,
    // With TypeScript 7 dependency-cruiser's own reader finds no module at all, and passes.
    parser: 'swc',
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
}
