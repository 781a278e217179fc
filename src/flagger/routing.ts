import { compact, type Fields, fieldsOf, listOf, pick } from './fields.ts'

/** What a Canary of Flagger says of its routes, without what does nothing there: `{}` is nothing said. */
export function convertRouting({ match, rewrite, headers, corsPolicy, delegation }: Fields): Fields {
  return compact({
    match: listOf(match).length === 0 ? undefined : match,
    rewrite: convertRewrite(fieldsOf(rewrite)),
    headers: unlessEmpty(fieldsOf(headers)),
    corsPolicy: convertCors(fieldsOf(corsPolicy)),
    delegation: delegation === true ? true : undefined,
  })
}

const unlessEmpty = (fields: Fields): Fields | undefined => (Object.keys(fields).length === 0 ? undefined : fields)

/** Its `type` is for the Gateway API. */
const convertRewrite = ({ uri, authority }: Fields): Fields | undefined =>
  unlessEmpty(compact({ uri: uri || undefined, authority: authority || undefined }))

/** The deprecated list of origins names each as it is. */
function convertCors({ allowOrigin, allowOrigins, ...policy }: Fields): Fields | undefined {
  const exact = Array.isArray(allowOrigin) ? allowOrigin.map((origin: unknown) => ({ exact: origin })) : []
  const origins = [...listOf(allowOrigins), ...exact]
  return unlessEmpty(compact({ ...policy, allowOrigins: origins.length === 0 ? undefined : origins }))
}

const MATCHED_BESIDE_ROUTE = ['headers', 'queryParams', 'sourceLabels']

/** Beside `service.match` Flagger takes nothing of an item but its headers and labels. */
export function convertMatch(match: unknown, service: Fields): readonly Fields[] | undefined {
  const items = listOf(match)
  if (items.length === 0) return undefined
  return listOf(service.match).length === 0 ? items : items.map((item) => pick(item, MATCHED_BESIDE_ROUTE))
}
