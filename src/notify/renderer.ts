import type { AlertProvider } from '../api/index.ts'
import type { Notice } from './port.ts'

/** Makes of a notice the JSON that a service takes by POST. Pure: sending is the same for all services. */
export type Renderer = (notice: Notice, provider: AlertProvider['spec']) => object
