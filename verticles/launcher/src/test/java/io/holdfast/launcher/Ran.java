package io.holdfast.launcher;

import io.vertx.core.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** What a command did, run as it is typed: its status, and what it wrote. */
record Ran(int status, String out, String err) {

  /** One at a time, as the output is the whole JVM's. */
  static synchronized Ran of(String... args) {
    PrintStream before = System.out;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    StringWriter err = new StringWriter();
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    try {
      int status =
          LauncherMain.commandLine()
              .setErr(new PrintWriter(err))
              .setOut(new PrintWriter(out, true, StandardCharsets.UTF_8))
              .execute(args);
      return new Ran(status, out.toString(StandardCharsets.UTF_8), err.toString());
    } finally {
      System.setOut(before);
    }
  }

  List<JsonObject> jsonLines() {
    return out.lines().map(JsonObject::new).toList();
  }
}
