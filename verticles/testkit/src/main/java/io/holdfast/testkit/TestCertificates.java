package io.holdfast.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** An authority of a test's own, and certificates that it signs, in PEM files; made by keytool. */
public final class TestCertificates {

  private static final String PASSWORD = "changeit";
  private static final Base64.Encoder BASE64 = Base64.getMimeEncoder(64, new byte[] {'\n'});

  private final Path folder;
  private final Path store;

  private TestCertificates(Path folder) {
    this.folder = folder;
    this.store = folder.resolve("keys.p12");
  }

  /** A new authority, in a folder that holds none yet. */
  public static TestCertificates in(Path folder) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    TestCertificates certificates = new TestCertificates(folder);
    certificates.keytool("-alias", "authority", "-dname", "CN=test", "-ext", "bc:critical=ca:true");
    certificates.writePem("authority");
    return certificates;
  }

  /** The authority's own certificate. */
  public Path authority() {
    return certificate("authority");
  }

  /**
   * Has a certificate signed, for use as a server and as a client and for nothing else.
   *
   * @param names by which it may be met, as keytool wants them: {@code dns:localhost,ip:127.0.0.1}
   */
  public TestCertificates issue(String alias, String names) {
    keytool(
        "-alias",
        alias,
        "-dname",
        "CN=" + alias,
        "-signer",
        "authority",
        "-ext",
        "san=" + names,
        "-ext",
        "eku=serverAuth,clientAuth");
    writePem(alias);
    return this;
  }

  public Path certificate(String alias) {
    return folder.resolve(alias + ".crt");
  }

  public Path key(String alias) {
    return folder.resolve(alias + ".key");
  }

  private void writePem(String alias) {
    try (var in = Files.newInputStream(store)) {
      KeyStore keys = KeyStore.getInstance("PKCS12");
      keys.load(in, PASSWORD.toCharArray());
      StringBuilder chain = new StringBuilder();
      for (Certificate each : keys.getCertificateChain(alias)) {
        chain.append(pem("CERTIFICATE", each.getEncoded()));
      }
      Files.writeString(certificate(alias), chain);
      Files.writeString(
          key(alias), pem("PRIVATE KEY", keys.getKey(alias, PASSWORD.toCharArray()).getEncoded()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String pem(String what, byte[] der) {
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n"
        .formatted(what, BASE64.encodeToString(der), what);
  }

  private void keytool(String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(List.of("-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1"));
    command.addAll(List.of("-validity", "2", "-storetype", "PKCS12", "-storepass", PASSWORD));
    command.addAll(List.of("-keystore", store.toString()));
    command.addAll(List.of(arguments));
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(60, TimeUnit.SECONDS) || process.exitValue() != 0) {
        throw new AssertionError("keytool: " + said);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
