package io.holdfast.system;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Goal: the arrows between modules and layers point the way the README says. Method: the compiled
 * classes' own imports.
 */
class ArchitectureTest {

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("io.holdfast");

  private static final String[] GROUPS = {
    "io.holdfast.orders..",
    "io.holdfast.inventory..",
    "io.holdfast.payments..",
    "io.holdfast.notifications..",
    "io.holdfast.audit..",
    "io.holdfast.gateway.."
  };

  @Test
  void the_contract_knows_only_the_jdk_and_jackson() {
    classes()
        .that()
        .resideInAPackage("io.holdfast.events..")
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage("io.holdfast.events..", "java..", "com.fasterxml.jackson.."))
        .check(CLASSES);
  }

  @Test
  void only_the_jetstream_package_knows_the_client_library() {
    noClasses()
        .that(not(resideInAnyPackage("io.holdfast.runtime.jetstream..", "io.holdfast.testkit..")))
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.nats..")
        .check(CLASSES);
  }

  @Test
  void the_runtime_knows_no_group() {
    noClasses()
        .that()
        .resideInAPackage("io.holdfast.runtime..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(GROUPS)
        .check(CLASSES);
  }

  @ParameterizedTest
  @ValueSource(strings = {"orders", "inventory", "payments", "notifications", "audit", "gateway"})
  void no_group_knows_another(String group) {
    String own = "io.holdfast." + group + "..";
    noClasses()
        .that()
        .resideInAPackage(own)
        .should()
        .dependOnClassesThat(resideInAnyPackage(GROUPS).and(not(resideInAPackage(own))))
        .check(CLASSES);
  }

  @Test
  void decisions_do_no_input_or_output() {
    noClasses()
        .that()
        .resideInAPackage("io.holdfast.*.domain..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "io.vertx..", "io.nats..", "io.holdfast.runtime..", "java.net..", "java.nio.file..")
        .check(CLASSES);
  }
}
