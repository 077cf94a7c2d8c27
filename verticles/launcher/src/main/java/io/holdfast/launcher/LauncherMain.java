package io.holdfast.launcher;

import io.holdfast.runtime.config.SettingsException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.Locale;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;

/**
 * The commands behind {@code ./holdfast}. Exit status: 0 done, 1 something went wrong or a
 * violation was found, 2 bad usage, with a message that says what to type.
 */
@Command(
    name = "./holdfast",
    synopsisSubcommandLabel = "COMMAND",
    description = "An order pipeline that survives Black Friday.",
    subcommands = {
      UpCommand.class,
      OrderCommand.class,
      LoadCommand.class,
      ReconcileCommand.class,
      WhyCommand.class,
      DlqCommand.class,
      DoctorCommand.class,
      ProvisionCommand.class,
      ChaosCommand.class,
      BenchCommand.class,
      TrainCommand.class,
      HelpCommand.class
    })
public final class LauncherMain implements Runnable {

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  public static void main(String[] args) {
    Locale.setDefault(Locale.ROOT); // the same figures for everybody
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return new CommandLine(new LauncherMain())
        .setExecutionExceptionHandler(
            (failure, commandLine, parsed) -> {
              commandLine.getErr().println(message(failure));
              return failure instanceof SettingsException
                  ? CommandLine.ExitCode.USAGE
                  : CommandLine.ExitCode.SOFTWARE;
            });
  }

  private static String message(Exception failure) {
    String message = switch (failure) { // the message of these is a path, and nothing else
          case NoSuchFileException none -> "There is no " + none.getFile();
          case FileAlreadyExistsException other -> other.getFile() + " is there, and no folder";
          case AccessDeniedException denied -> "No right to use " + denied.getFile();
          default -> failure.getMessage();
        };
    return message == null || message.isBlank() ? failure.toString() : message;
  }

  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        spec.commandLine(), "Say which command, for example: ./holdfast up");
  }
}
