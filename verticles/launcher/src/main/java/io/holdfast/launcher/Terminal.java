package io.holdfast.launcher;

import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/** How the commands speak to a person: plain lines, a little colour where there is a terminal. */
final class Terminal {

  /** Told by the script that starts us: whether standard output is a terminal. */
  private static final boolean COLOUR =
      Boolean.getBoolean("holdfast.terminal")
          && System.getenv("NO_COLOR") == null
          && !"dumb".equals(System.getenv("TERM"));

  private Terminal() {}

  static void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  static void say(String format, Object... values) {
    say(String.format(Locale.ROOT, format, values));
  }

  /**
   * Tells why a command did not do what it was asked for.
   *
   * @return its exit status
   */
  static int refused(CommandSpec command, String why) {
    command.commandLine().getErr().println(why);
    return CommandLine.ExitCode.SOFTWARE;
  }

  /** Whether somebody looks on while it happens. */
  static boolean live() {
    return COLOUR;
  }

  /** A line that the next one of its kind replaces, where there is a terminal; else nothing. */
  static void progress(String line) {
    if (COLOUR) {
      System.out.print("\r\u001b[2K" + line);
      System.out.flush();
    }
  }

  static void progressDone() {
    if (COLOUR) {
      System.out.print("\r\u001b[2K");
      System.out.flush();
    }
  }

  static String bold(String text) {
    return paint("1", text);
  }

  static String good(String text) {
    return paint("32", text);
  }

  static String bad(String text) {
    return paint("31", text);
  }

  static String faint(String text) {
    return paint("2", text);
  }

  /** How much of {@code total} is done, drawn 30 characters wide. */
  static String bar(long done, long total) {
    int filled = total == 0 ? 30 : (int) Math.min(30, 30 * done / total);
    return "[" + "=".repeat(filled) + " ".repeat(30 - filled) + "]";
  }

  private static String paint(String code, String text) {
    return COLOUR ? "\u001b[" + code + "m" + text + "\u001b[0m" : text;
  }
}
