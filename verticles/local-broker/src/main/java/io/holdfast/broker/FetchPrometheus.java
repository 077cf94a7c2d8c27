package io.holdfast.broker;

import java.io.IOException;
import java.nio.file.Path;

/**
 * {@code FetchPrometheus TOOLS_FOLDER}: sees to it, once per build, that there is a Prometheus to
 * test with, so that no test downloads anything. Exit code 0: one is there; 1: none, and the tests
 * that need it are skipped; 2: wrong usage.
 */
public final class FetchPrometheus {

  private FetchPrometheus() {}

  public static void main(String[] arguments) {
    if (arguments.length != 1) {
      System.err.println("Usage: FetchPrometheus TOOLS_FOLDER");
      System.exit(2);
    }
    try {
      PrometheusBinaries found =
          PrometheusBinaries.findOrFetch(Path.of(arguments[0]), System.out::println);
      System.out.println("Using " + found.prometheus() + " and " + found.promtool());
    } catch (IOException e) {
      System.err.println(
          "No prometheus and promtool, so tests that need them are skipped: " + e.getMessage());
      System.exit(1);
    }
  }
}
