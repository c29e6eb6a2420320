import type { RunFolder } from '@modelgate/real-parts';
import type { Access } from './access.ts';

export type { Access };

/** One entry of the gateway's catalogue file. */
export interface CatalogueModel {
  model: string;
  modelName?: string;
  upstream: string;
  protocols: string[];
  [member: string]: unknown;
}

export interface StackOptions {
  /** Absolute path of the repository: the services run from its dist folders. */
  root: string;
  /** Where data, configuration, logs and secrets of this stack go. */
  folder: string;
  /** Marks the services' processes, so that a later run can tell that they are ours. */
  run?: RunFolder;
  onProgress?: (text: string) => void;
  /** Insist on Keycloak and KServe themselves instead of falling back to the stand-ins. */
  realParts?: boolean;
  /** How many of each service; replicas of the token service share the database and stand behind one issuer URL. */
  replicas?: { tokenService?: number; gateway?: number };
  /** 0 or absent: any free one. */
  ports?: { tokenService?: number; gateway?: number; identity?: number; modelServer?: number };
  /** Last word on the files and environments, before anything starts. */
  access?: (access: Access) => Access;
  catalogue?: (models: CatalogueModel[]) => CatalogueModel[] | Promise<CatalogueModel[]>;
  tokenServiceEnv?: Readonly<Record<string, string>>;
  gatewayEnv?: Readonly<Record<string, string>>;
}
