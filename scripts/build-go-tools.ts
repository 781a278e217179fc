/** `node scripts/build-go-tools.ts [etcd kube-apiserver helm ...]`: builds the real programs that tests run. */
import { buildGoTool, type GoTool, goTools } from './go-tools.ts'

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !isGoTool(name))
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(', ')}; known: ${goTools.join(', ')}`)
  process.exit(2)
}
for (const tool of wanted.length === 0
  ? (['etcd', 'kube-apiserver', 'kube-controller-manager', 'kwok', 'helm'] as const)
  : wanted.filter(isGoTool)) {
  await buildGoTool(tool, (line) => console.log(line))
}

function isGoTool(name: string): name is GoTool {
  return goTools.some((tool) => tool === name)
}
