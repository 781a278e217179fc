import { Command, InvalidArgumentError, Option } from 'commander'

const exitCodeHelp = `
Exit codes:
  0    the release succeeded, or the command did what it says
  1    any other error, or a metric without a verdict
  2    wrong usage
  3    the release was rolled back, a metric failed, or analyze found an error
  4    timed out while the release was going on
  5    no such object
  6    a newer revision took over
  130  interrupted`

const addConnectionOptions = (command: Command): Command =>
  command
    .option('--kubeconfig <path>', 'kubeconfig file; $KUBECONFIG or ~/.kube/config when absent')
    .option('-n, --namespace <name>', 'namespace', 'default')

const addServerOptions = (command: Command): Command =>
  command
    .option('--kubeconfig <path>', 'kubeconfig file; the pod’s service account when absent')
    .addOption(
      new Option('--log-level <level>', 'least level that is logged')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )

/** The command line. Commands are imported when they run, so that `--help` is quick. */
export function createProgram(): Command {
  const program = new Command('sluice')
    .description('Progressive delivery for Kubernetes with a bundled Envoy mesh')
    .version('0.1.0')
    .addHelpText('after', exitCodeHelp)
    .exitOverride()
    .showSuggestionAfterError()
  addReleaseCommands(program)
  addMetricsCommands(program)
  addMeshCommands(program)
  addProxyCommands(program)
  addServerCommands(program)
  addLocalCommands(program)
  return program
}

function addReleaseCommands(program: Command): void {
  const get = program.command('get').description('show releases')
  addConnectionOptions(get.command('canary [name]').aliases(['canaries']).description('one line a canary'))
    .option('-A, --all-namespaces', 'all namespaces')
    .option('-w, --watch', 'print a line at each change')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['table', 'json', 'yaml']).default('table'))
    .action(async (name, options) => (await import('./commands/get-canary.ts')).getCanary(name, options))
  addConnectionOptions(program.command('status <canary>').description('what a release is doing, and why'))
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text'))
    .action(async (name, options) => (await import('./commands/status.ts')).showStatus(name, options))
  addConnectionOptions(program.command('explain <canary>').description('every verdict of a release, and why'))
    .option('--run <name>', 'run; the newest one when absent')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text'))
    .action(async (name, options) => (await import('./commands/explain.ts')).explain(name, options))
  addConnectionOptions(program.command('replay <run>').description('judge a recorded run again by other settings'))
    .requiredOption('--with <path>', 'YAML file of a Canary whose metrics and threshold judge')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text'))
    .action(async (name, options) => (await import('./commands/replay.ts')).replay(name, options))
  addSimulateCommand(program)
  addConnectionOptions(
    program.command('wait <canary>').description('wait until the release of the newest change has ended'),
  )
    .option('--timeout <duration>', 'longest wait', '30m')
    .option('--revision <revision>', 'revision or image whose release is meant; what the workload says now when absent')
    .action(async (name, options) => (await import('./commands/wait.ts')).waitForRelease(name, options))
  addConnectionOptions(
    program.command('promote <canary>').description('promote the release that is going on, without further checks'),
  ).action(async (name, options) => (await import('./commands/decide-release.ts')).promote(name, options))
  addConnectionOptions(program.command('abort <canary>').description('roll the release back that is going on')).action(
    async (name, options) => (await import('./commands/decide-release.ts')).abort(name, options),
  )
  addGateCommands(program)
}

function addGateCommands(program: Command): void {
  const gate = (): Option =>
    new Option('--gate <gate>', 'which gate').choices([
      'confirm-rollout',
      'confirm-traffic-increase',
      'confirm-promotion',
    ])
  addConnectionOptions(
    program.command('approve <canary>').description('open the gate that the release waits at, for this revision'),
  )
    .addOption(gate())
    .action(async (name, options) => (await import('./commands/set-gate.ts')).approve(name, options))
  addConnectionOptions(program.command('hold <canary>').description('close a gate, for this revision'))
    .addOption(gate().makeOptionMandatory())
    .action(async (name, options) => (await import('./commands/set-gate.ts')).hold(name, options))
}

function addSimulateCommand(program: Command): void {
  program
    .command('simulate <file>')
    .description(
      'estimate duration, exposed requests and chance of rollback of releases of a Canary, by made-up traffic',
    )
    .requiredOption('--traffic <rate>', 'requests of all users, such as 200rps')
    .option('--error-rate <percent>', 'failed requests of both versions', '0%')
    .option('--canary-error-rate <percent>', 'failed requests of the new version; as --error-rate when absent')
    .option('--latency <median/p99>', 'durations of requests, such as 40ms/200ms', '20ms/100ms')
    .option('--canary-latency <median/p99>', 'durations of the new version; as --latency when absent')
    .option('--match-share <percent>', 'requests that meet analysis.match', '10%')
    .option('--within <duration>', 'longest release; one that goes on then counts as held', '2h')
    .option('--runs <number>', 'releases that are played', '200')
    .option('--seed <number>', 'the same seed gives the same releases', '1')
    .option('--json', 'print one JSON document', false)
    .action(async (file, options) => (await import('./commands/simulate.ts')).simulate(file, options))
}

const addMeasureOptions = (command: Command): Command =>
  addConnectionOptions(command)
    .option('--metrics-server <url>', 'Prometheus to ask; that of the Canary when absent')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text'))

function addMetricsCommands(program: Command): void {
  const metrics = program.command('metrics').description('measure now, outside of a release')
  addMeasureOptions(
    metrics
      .command('run <canary>')
      .description('measure the metrics of a Canary over the last interval: query, value and verdict of each'),
  ).action(async (name, options) => (await import('./commands/metrics-run.ts')).runMetrics(name, options))
  addMeasureOptions(
    metrics
      .command('test [template]')
      .description('fill in a MetricTemplate of the cluster or of a file, ask it once and show the value'),
  )
    .option('-f, --filename <path>', 'file with the template; - is standard input')
    .option('--cluster-wide', 'the template is a ClusterMetricTemplate', false)
    .option('--variables <name=value...>', 'values for {{ variables.NAME }}')
    .option('--canary <name>', 'Canary that the names in the query are taken from')
    .option('--target <workload>', 'workload of the new version, where there is no Canary')
    .option('--window <duration>', 'length of the window', '1m')
    .option('--min <number>', 'smallest value that passes', parseNumber)
    .option('--max <number>', 'largest value that passes', parseNumber)
    .action(async (name, options) => (await import('./commands/metrics-test.ts')).testTemplate(name, options))
}

function parseNumber(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.')
  return value
}

function addMeshCommands(program: Command): void {
  program
    .command('analyze <file...>')
    .description('say what is wrong with objects of the mesh and of releases in files; - is standard input')
    .option('--fix', 'print the objects corrected', false)
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text'))
    .action(async (files, options) => (await import('./commands/analyze.ts')).analyzeFiles(files, options))
  program
    .command('install-values <file>')
    .description('print an IstioOperator as values of the chart; - is standard input')
    .action(async (file) => (await import('./commands/install-values.ts')).printInstallValues(file))
}

function addProxyCommands(program: Command): void {
  addViewOptions(program.command('proxy-status [pod]').description('how far each connected proxy is')).action(
    async (pod, options) => (await import('./commands/proxy-status.ts')).showProxyStatus(pod, options),
  )
  const config = program.command('proxy-config').description('what the proxy of a pod is to have')
  for (const kind of ['clusters', 'listeners', 'routes', 'endpoints', 'secrets'] as const) {
    addViewOptions(config.command(`${kind} <pod>`).description(`its ${kind}`)).action(async (pod, options) =>
      (await import('./commands/proxy-config.ts')).showProxyConfig(kind, pod, options),
    )
  }
}

const addViewOptions = (command: Command): Command =>
  addConnectionOptions(command)
    .option('--mesh <address...>', 'debug address of each replica of the mesh, such as 127.0.0.1:15014')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['table', 'json']).default('table'))

function addServerCommands(program: Command): void {
  addServerOptions(program.command('controller').description('run the release controller'))
    .option(
      '--metrics-server <url>',
      'Prometheus that is asked unless a Canary names its own',
      'http://prometheus:9090',
    )
    .option('--scrape-interval <duration>', 'time between two scrapes of a proxy by that Prometheus', '2s')
    .option('--guard-interval <duration>', 'time between two readings of all releases in progress; 0s for none', '1s')
    .addOption(
      new Option('--mesh-provider <name>', 'who moves traffic unless a Canary says otherwise')
        .choices(['mesh', 'istio'])
        .default('mesh'),
    )
    .addOption(
      new Option(
        '--config-tracking <kinds>',
        'whose changes are releases: what workloads read of ConfigMaps and Secrets',
      )
        .choices(['all', 'config-maps', 'none'])
        .default('config-maps'),
    )
    .option('--listen <address>', 'address of /metrics, /livez and /readyz', '0.0.0.0:8080')
    .option('--leader-elect', 'run beside other replicas', false)
    .option('--lease-namespace <name>', 'namespace of the Lease', 'sluice-system')
    .option('--flagger-compat', 'release Canaries of flagger.app/v1beta1, too', false)
    .option('--flagger-lease-namespace <name>', 'namespace of the Lease of a Flagger that may still run', 'kube-system')
    .option('--max-concurrent-releases <count>', 'most releases in progress in a namespace; 0 for any number', '0')
    .option('--allow-cross-namespace-refs', 'let canaries name templates and providers of other namespaces', false)
    .action(async (options) => (await import('./commands/controller.ts')).runController(options))
  addObservation(addServerOptions(program.command('mesh').description('run the control plane of the mesh')))
    .option('--xds-listen <address>', 'address of the xDS server', '0.0.0.0:15010')
    .option(
      '--xds-token-key-file <path>',
      "file with the key of the proxies' tokens; without it Kubernetes reviews them",
    )
    .option('--authority-namespace <namespace>', 'where the certificate authority is kept', 'istio-system')
    .option('--leader-elect', 'run beside other replicas, with Leases in that namespace', false)
    .option('--listen <address>', 'address of /metrics, /livez and /readyz', '0.0.0.0:8081')
    .option('--webhook-listen <address>', 'address of the admission webhooks, which are not served when absent')
    .option('--webhook-certificate <path>', 'folder with tls.crt and tls.key of the admission webhooks')
    .option('--injection-settings <path>', 'file that says what sidecars are made of; none are injected when absent')
    .option('--debug-listen <address>', 'address that proxy-status and proxy-config ask; keep it to this machine')
    .action(async (options) => (await import('./commands/mesh.ts')).runMesh(options))
}

function addLocalCommands(program: Command): void {
  addObservation(program.command('local'))
    .description('run the whole platform on this machine: API server, pods as processes, Envoy, Prometheus')
    .option('--data-directory <path>', 'where objects, logs and metrics are kept; $XDG_DATA_HOME/sluice when absent')
    .addOption(
      new Option('--isolation <kind>', 'whether pods share the loopback device, or have networks of their own (root)')
        .choices(['process', 'netns'])
        .default('process'),
    )
    .option('--flagger-compat', 'release Canaries of flagger.app/v1beta1, too', false)
    .addOption(
      new Option('--log-level <level>', 'least level that is logged')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .action(async (options) => (await import('./commands/local.ts')).runLocal(options))
  program
    .command('demo')
    .description('release five versions of a small service on the local platform and check every outcome')
    .option('--scenario <name...>', 'only these: good, errors, slow, mirrored-errors')
    .option('--json', 'print one JSON document')
    .option('--keep', 'leave the platform running at the end')
    .action(async (options) => (await import('./commands/demo.ts')).runDemo(options))
}

/** What proxies tell beside metrics. */
const addObservation = (command: Command): Command =>
  command
    .option('--size-metrics', 'let proxies measure istio_request_bytes and istio_response_bytes')
    .option('--access-log', 'let proxies write a JSON line a request to standard output')
    .addOption(
      new Option('--zipkin <address>', 'Zipkin collector that proxies send spans to, as host:port').conflicts('otlp'),
    )
    .option('--otlp <address>', 'OTLP collector (HTTP) that proxies send spans to, as host:port')
    .option('--trace-sampling <percent>', 'share of requests that are traced', parseNumber, 1)
