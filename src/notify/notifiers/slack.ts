import type { Notice, Severity } from '../port.ts'
import type { Renderer } from '../renderer.ts'

const COLOURS: Readonly<Record<Severity, string>> = { info: '#2eb67d', warn: '#ecb22e', error: '#e01e5a' }

// Slack's limits: https://docs.slack.dev/reference/block-kit/blocks/section-block
const TEXT_LIMIT = 3_000
const FIELD_LIMIT = 2_000
const FIELDS_PER_SECTION = 10
const MOST_SECTIONS_OF_FIELDS = 4

/** A message of Block Kit beside a coloured bar; `text` is what notifications and old clients show. */
export const renderSlack: Renderer = (notice, provider) => ({
  ...(provider.channel === undefined ? {} : { channel: provider.channel }),
  username: provider.username,
  text: plain(`${titleOf(notice)}: ${notice.text}`, TEXT_LIMIT),
  attachments: [
    { color: COLOURS[notice.severity], fallback: plain(notice.text, TEXT_LIMIT), blocks: blocksOf(notice) },
  ],
})

const titleOf = (notice: Notice): string => `${notice.namespace}/${notice.canary} ${notice.reason}`

function blocksOf(notice: Notice): readonly object[] {
  return [
    { type: 'section', text: markdown(`*${plain(titleOf(notice), 500)}*\n${plain(notice.text, TEXT_LIMIT - 510)}`) },
    ...fieldSections(notice),
    {
      type: 'context',
      elements: [markdown(plain(`${notice.phase} · ${notice.revision} · ${notice.time} · ${notice.id}`, FIELD_LIMIT))],
    },
  ]
}

function fieldSections({ fields }: Notice): readonly object[] {
  const texts = fields.map(({ name, value }) => markdown(`*${plain(name, 200)}*\n${plain(value, FIELD_LIMIT - 210)}`))
  const sections = Math.min(MOST_SECTIONS_OF_FIELDS, Math.ceil(texts.length / FIELDS_PER_SECTION))
  return Array.from({ length: sections }, (_, section) => ({
    type: 'section',
    fields: texts.slice(section * FIELDS_PER_SECTION, (section + 1) * FIELDS_PER_SECTION),
  }))
}

const markdown = (text: string): object => ({ type: 'mrkdwn', text })

/** Escapes what Slack reads as mark-up (a text could mention everyone) and cuts to the limit, never within an escape. */
function plain(text: string, limit: number): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  if (escaped.length <= limit) return escaped
  return `${escaped.slice(0, limit - 1).replace(/(&[a-z]*|[\ud800-\udbff])$/, '')}…`
}
