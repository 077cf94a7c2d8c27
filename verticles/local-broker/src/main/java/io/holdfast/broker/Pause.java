package io.holdfast.broker;

import java.io.InterruptedIOException;

/** The pause between two looks at something that another process does. */
final class Pause {

  private static final long MILLIS = 10;

  private Pause() {}

  static void briefly() throws InterruptedIOException {
    try {
      Thread.sleep(MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while waiting");
    }
  }
}
