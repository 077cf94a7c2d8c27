package io.holdfast.launcher.bench;

import java.util.Arrays;
import java.util.Optional;

/** When the broker's writes are on the disk. */
public enum Mode {
  /** Every two minutes, the broker's default. */
  RELAXED("relaxed"),
  /** Before each is acknowledged, as {@code up} has it. */
  DURABLE("durable");

  private final String word;

  Mode(String word) {
    this.word = word;
  }

  public String word() {
    return word;
  }

  public static Optional<Mode> named(String word) {
    return Arrays.stream(values()).filter(one -> one.word.equals(word)).findFirst();
  }
}
