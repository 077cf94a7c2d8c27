package io.holdfast.broker;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A program out of Debian's packages, from the mirror that this machine uses anyway. Needs no root
 * and changes nothing on the system: {@code apt-get} works on lists and a cache of its own, the
 * packages are unpacked, not installed. That they are Debian's is checked by {@code apt-get}, with
 * the keys that this machine trusts for that mirror.
 */
final class DebianPackage implements ServerSource {

  /** Newest that is not in flux first; stable suites have versions too old for us. */
  private static final List<String> SUITES = List.of("forky", "sid");

  private static final Duration ASK = Duration.ofSeconds(30);
  private static final Duration DOWNLOAD = Duration.ofMinutes(4);

  private static final Pattern SIGNED_BY =
      Pattern.compile("signed-by\\s*[:=]\\s*(/[^\\s,\\]]+)", Pattern.CASE_INSENSITIVE);

  /** Where Debian's own keyring lies if the source does not name one. */
  private static final List<Path> DEBIAN_KEYRINGS =
      List.of(
          Path.of("/usr/share/keyrings/debian-archive-keyring.pgp"),
          Path.of("/usr/share/keyrings/debian-archive-keyring.gpg"));

  private final List<String> packages;

  /** Of nats-server. */
  DebianPackage() {
    this(List.of(NatsServerBinary.NAME));
  }

  DebianPackage(List<String> packages) {
    this.packages = List.copyOf(packages);
  }

  @Override
  public String name() {
    return "the distribution's package (about 20 MB with the package list)";
  }

  @Override
  public Path unpackInto(Path folder, Consumer<String> progress) throws IOException {
    return program(tree(folder, progress), NatsServerBinary.NAME);
  }

  /**
   * Downloads and unpacks all packages, of one suite.
   *
   * @param folder empty, ours alone
   * @return the root of what is in them
   */
  Path tree(Path folder, Consumer<String> progress) throws IOException {
    Mirror mirror = machinesMirror(folder);
    String architecture = Command.run(folder, ASK, List.of("dpkg", "--print-architecture")).strip();
    var whyNot = new ArrayList<String>();
    for (String suite : SUITES) {
      try {
        progress.accept("Asking %s for suite %s ...".formatted(mirror.site(), suite));
        Path own = Files.createDirectory(folder.resolve(suite));
        download(own, mirror.sourceLine(suite, architecture));
        return unpack(own);
      } catch (IOException e) {
        whyNot.add(suite + ": " + e.getMessage());
      }
    }
    throw new IOException(String.join("; ", whyNot));
  }

  /** Where a program lies in an unpacked tree. */
  static Path program(Path tree, String name) throws IOException {
    for (String place : List.of("usr/sbin", "usr/bin")) {
      Path program = tree.resolve(place).resolve(name);
      if (Files.isRegularFile(program)) {
        return program;
      }
    }
    throw new IOException("no " + name + " in the package");
  }

  private void download(Path folder, String sourceLine) throws IOException {
    Files.createDirectories(folder.resolve("lists/partial"));
    Files.createDirectories(folder.resolve("cache/archives/partial"));
    Files.writeString(folder.resolve("sources.list"), sourceLine + "\n");
    Path configuration = folder.resolve("apt.conf");
    Files.writeString(configuration, configuration(folder));
    String ours = "--config-file=" + configuration;
    apt(folder, "update", List.of(ours));
    apt(folder, "download", Stream.concat(Stream.of(ours), packages.stream()).toList());
  }

  private Path unpack(Path folder) throws IOException {
    List<Path> brought;
    try (Stream<Path> files = Files.list(folder)) {
      brought = files.filter(file -> file.toString().endsWith(".deb")).toList();
    }
    if (brought.size() != packages.size()) {
      throw new IOException("apt-get download brought " + brought);
    }
    Path tree = folder.resolve("unpacked");
    for (Path each : brought) {
      Command.run(folder, ASK, List.of("dpkg", "-x", each.toString(), tree.toString()));
    }
    return tree;
  }

  private static void apt(Path folder, String action, List<String> arguments) throws IOException {
    var command = Stream.concat(Stream.of("apt-get", "-qq", action), arguments.stream()).toList();
    Command.run(folder, DOWNLOAD, command);
  }

  /**
   * Read after the machine's own configuration, of which proxies and credentials stay in force. The
   * machine's hooks do not: they would tidy up the system's cache, not ours.
   */
  private static String configuration(Path folder) {
    return """
        #clear APT::Update::Pre-Invoke;
        #clear APT::Update::Post-Invoke;
        #clear APT::Update::Post-Invoke-Success;
        Dir::Etc::SourceList "%1$s/sources.list";
        Dir::Etc::SourceParts "/dev/null";
        Dir::Etc::Preferences "/dev/null";
        Dir::Etc::PreferencesParts "/dev/null";
        Dir::State::Lists "%1$s/lists";
        Dir::Cache "%1$s/cache";
        APT::Default-Release "";
        APT::Sandbox::User "root";
        Acquire::Languages "none";
        Acquire::Retries "2";
        Acquire::http::Timeout "20";
        Acquire::https::Timeout "20";
        """
        .formatted(folder);
  }

  /** A Debian mirror out of the machine's sources, not one for security updates alone. */
  private static Mirror machinesMirror(Path folder) throws IOException {
    String targets =
        Command.run(
            folder,
            ASK,
            List.of(
                "apt-get",
                "indextargets",
                "--format",
                "$(LABEL)|$(SITE)|$(SOURCESENTRY)",
                "Created-By: Packages"));
    return targets
        .lines()
        .map(line -> line.split("\\|", 3))
        .filter(fields -> fields.length == 3 && fields[0].equals("Debian"))
        .map(fields -> new Mirror(fields[1], keyring(fields[1], sourceFile(fields[2]))))
        .findFirst()
        .orElseThrow(() -> new IOException("this machine's apt has no Debian mirror"));
  }

  /** {@code /etc/apt/sources.list.d/debian.sources:1} is the first entry of that file. */
  private static Path sourceFile(String entry) {
    return Path.of(entry.replaceFirst(":\\d+$", ""));
  }

  private static Optional<Path> keyring(String site, Path sourceFile) {
    return Stream.concat(namedKeyrings(site, sourceFile), DEBIAN_KEYRINGS.stream())
        .filter(Files::isReadable)
        .findFirst();
  }

  private static Stream<Path> namedKeyrings(String site, Path sourceFile) {
    try {
      boolean list = sourceFile.toString().endsWith(".list");
      return namedKeyrings(site, Files.readString(sourceFile), list ? "\n" : "\n\\s*\n");
    } catch (IOException unreadable) {
      return Stream.empty();
    }
  }

  /** Those that the entries for this site name; an entry is a paragraph or, in a list, a line. */
  static Stream<Path> namedKeyrings(String site, String sources, String separator) {
    return Stream.of(sources.split(separator, -1))
        .filter(entry -> entry.contains(site))
        .flatMap(entry -> SIGNED_BY.matcher(entry).results())
        .map(match -> Path.of(match.group(1)));
  }

  /**
   * @param keyring the keys that its packages must be signed with; if empty, those apt trusts for
   *     every source
   */
  private record Mirror(String site, Optional<Path> keyring) {

    String sourceLine(String suite, String architecture) {
      String signedBy = keyring.map(file -> " signed-by=" + file).orElse("");
      return "deb [arch=%s%s] %s %s main".formatted(architecture, signedBy, site, suite);
    }
  }
}
