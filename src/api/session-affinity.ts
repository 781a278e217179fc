import { z } from 'zod'
import { withRules } from './rules.ts'

const cookieName = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9_-]+$/)

/** Keeps users with the version they met while weights move. */
export const sessionAffinitySchema = withRules(
  z.object({
    cookieName: cookieName.describe('Cookie of users who met the new version: they stay with it.'),
    primaryCookieName: cookieName
      .optional()
      .describe('Cookie of users who met the primary: they stay with it for one interval.'),
    maxAge: z.int().min(1).max(31_536_000).default(86_400).describe('Seconds that the cookie lasts.'),
    domain: z
      .string()
      .max(253)
      .regex(/^[A-Za-z0-9.-]+$/)
      .optional()
      .describe('Domain of the cookie.'),
    path: z
      .string()
      .max(253)
      .regex(/^\/[^;\s]*$/)
      .optional()
      .describe('Path of the cookie.'),
    httpOnly: z.boolean().optional().describe('Keep it from scripts.'),
    secure: z.boolean().optional().describe('Send it over HTTPS only.'),
    partitioned: z.boolean().optional().describe('Keep it apart for each top-level site.'),
    sameSite: z.enum(['Strict', 'Lax', 'None']).optional().describe('Whether other sites send it.'),
  }),
  [
    {
      cel: '!has(self.primaryCookieName) || self.primaryCookieName != self.cookieName',
      message: 'primaryCookieName must differ from cookieName',
      field: 'primaryCookieName',
      holds: ({ cookieName: name, primaryCookieName }) => primaryCookieName !== name,
    },
  ],
)

export type SessionAffinity = z.output<typeof sessionAffinitySchema>
