package io.holdfast.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** Goal: who asks for what cannot be measured is told before anything is started. */
class BenchCommandTest {

  @ParameterizedTest
  @CsvSource({
    "--only=orders, --only does not know 'orders'",
    "--modes=fast, --modes does not know 'fast'",
    "--rounds=0, --rounds must be from 1 to 100",
    "--orders=10, --orders must be from 500",
    "--warm-up=1, --warm-up must be from 100",
    "--stored=5, --stored must be from 1000",
    "--peer=/nowhere, there is no run.sh in /nowhere",
  })
  void bad_usage_is_told_and_ends_with_2(String option, String said) {
    StringWriter err = new StringWriter();
    CommandLine command = LauncherMain.commandLine().setErr(new PrintWriter(err, true));

    int status = command.execute("bench", option);

    assertThat(status).isEqualTo(2);
    assertThat(err.toString()).contains(said);
  }
}
