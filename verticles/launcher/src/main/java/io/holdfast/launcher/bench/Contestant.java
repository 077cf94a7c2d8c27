package io.holdfast.launcher.bench;

import java.util.Arrays;
import java.util.Optional;

/** What is measured, side by side. */
public enum Contestant {
  CEILING("ceiling", "bare chain"),
  PROCESSES("processes", "processes"),
  ONE_JVM("one-jvm", "one JVM"),
  PEER("peer", "peer");

  private final String word;
  private final String title;

  Contestant(String word, String title) {
    this.word = word;
    this.title = title;
  }

  /** As options and JSON say it. */
  public String word() {
    return word;
  }

  /** As people read it. */
  public String title() {
    return title;
  }

  public static Optional<Contestant> named(String word) {
    return Arrays.stream(values()).filter(one -> one.word.equals(word)).findFirst();
  }
}
