package io.holdfast.gateway.journal;

import java.nio.file.Path;

/** The ledger's file cannot be used. The message says which one, and why. */
public final class LedgerFileException extends Exception {

  LedgerFileException(Path file, String reason, Throwable cause) {
    super(file + ": " + reason, cause);
  }
}
