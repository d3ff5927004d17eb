import { failure, isFailure } from '../errors.ts';
import { fileHandlers } from '../transaction/files.ts';
import { reason, type TransactionUser } from '../transaction/handler.ts';
import { typed } from '../typed.ts';
import { bootEntryHandler } from './boot-entry.ts';
import { imageBuildHandler, imageHandler, keptImageHandler } from './image.ts';
import { indexHandler, moduleHandler } from './module.ts';

/** An installation as a transaction. What somebody else has changed since is left as it is, and named. */
export const installUser: TransactionUser = {
  purpose: 'install',
  handlers: {
    ...fileHandlers,
    module: moduleHandler,
    index: indexHandler,
    'kept-image': keptImageHandler,
    'image-build': imageBuildHandler,
    image: imageHandler,
    'boot-entry': bootEntryHandler,
  },
  undoFailed: (error, folder, cause) =>
    cause === undefined
      ? failure(
          'E_INSTALL_UNDO',
          `the rollback was stopped: ${reason(error)}`,
          isFailure(error)
            ? error.failure.next
            : `the originals are in ${folder}/originals; remove the cause and run ${typed('rollback')} again`,
          { cause: error },
        )
      : failure(
          'E_INSTALL_UNDO',
          `the installation failed (${reason(cause)}), and putting things back failed too (${reason(error)})`,
          `the originals are in ${folder}/originals; run ${typed('rollback')} as soon as the cause is gone, before a reboot`,
          { cause: error },
        ),
};
