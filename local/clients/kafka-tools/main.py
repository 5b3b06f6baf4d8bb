"""The tools that Kafka's bin/ starts (kafka-topics.sh is TopicCommand), by their main classes."""

import re
import tempfile

from calls import Client, Wrong, at, run

client = Client("Kafka's tools", at("VERSION"))
broker = at("KAFKA")
topic = "clients-tools"
group = "clients-tools"


def java(main, *arguments, **options):
    return run("java", "-XX:TieredStopAtLevel=1", "-cp", at("JARS"), main, *arguments, **options)


def tool(main, *arguments, **options):
    return java(main, "--bootstrap-server", broker, *arguments, **options)


def topics(*arguments, **options):
    return lambda: tool("org.apache.kafka.tools.TopicCommand", *arguments, **options)


def configs(*arguments, **options):
    return lambda: tool("kafka.admin.ConfigCommand", *arguments, **options)


def groups(*arguments, **options):
    return lambda: tool("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", *arguments, **options)


def reassign():
    with tempfile.NamedTemporaryFile("w", suffix=".json") as plan:
        plan.write('{"version":1,"partitions":[{"topic":"%s","partition":0,"replicas":[%s]}]}' % (topic, leader()))
        plan.flush()
        tool(
            "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
            "--reassignment-json-file",
            plan.name,
            "--execute",
            matching="Successfully started",
        )


def leader():
    return re.search(r"Partition: 0\s+Leader: (\d+)", topics("--describe", "--topic", topic)())[1]


def delete_records():
    with tempfile.NamedTemporaryFile("w", suffix=".json") as plan:
        plan.write('{"partitions":[{"topic":"%s","partition":0,"offset":1}],"version":1}' % topic)
        plan.flush()
        tool(
            "org.apache.kafka.tools.DeleteRecordsCommand",
            "--offset-json-file",
            plan.name,
            matching="low_watermark: 1",
        )


def deleted():
    topics("--delete", "--topic", topic)()
    if topic in topics("--list")().split():
        raise Wrong("the topic is still there")


client.first("kafka-topics --list", topics("--list", matching="^feed-updates$"))
lines = "".join(f"k{i}:v{i}\n" for i in range(10))
client.calls(
    {
        "kafka-topics --create": topics(
            "--create",
            "--topic",
            topic,
            "--partitions",
            "2",
            "--replication-factor",
            "1",
            "--config",
            "retention.ms=7200000",
            matching="Created topic",
        ),
        "kafka-topics --describe": topics(
            "--describe", "--topic", topic, matching="PartitionCount: 2.*retention.ms=7200000"
        ),
        "kafka-topics --alter": topics("--alter", "--topic", topic, "--partitions", "3"),
        "kafka-configs --alter": configs(
            "--entity-type",
            "topics",
            "--entity-name",
            topic,
            "--alter",
            "--add-config",
            "retention.ms=3600000",
            matching="Completed",
        ),
        "kafka-configs --describe": configs(
            "--entity-type", "topics", "--entity-name", topic, "--describe", matching="retention.ms=3600000"
        ),
        "kafka-configs, users": configs("--entity-type", "users", "--describe"),
        "kafka-console-producer": lambda: tool(
            "kafka.tools.ConsoleProducer",
            "--topic",
            topic,
            "--property",
            "parse.key=true",
            "--property",
            "key.separator=:",
            input=lines,
        ),
        "kafka-console-consumer": lambda: tool(
            "org.apache.kafka.tools.consumer.ConsoleConsumer",
            "--topic",
            topic,
            "--group",
            group,
            "--from-beginning",
            "--max-messages",
            "10",
            "--timeout-ms",
            "20000",
            matching="Processed a total of 10 messages",
        ),
        "kafka-get-offsets": lambda: tool(
            "org.apache.kafka.tools.GetOffsetShell", "--topic", topic, matching=f"^{topic}:2:"
        ),
        "kafka-consumer-groups --list": groups("--list", matching=f"^{group}$"),
        "kafka-consumer-groups --describe": groups("--describe", "--group", group, matching=f"{group} +{topic} +0"),
        "kafka-consumer-groups --reset-offsets": groups(
            "--reset-offsets",
            "--to-earliest",
            "--execute",
            "--topic",
            topic,
            "--group",
            group,
            matching=f"{group} +{topic} +0 +0",
        ),
        "kafka-consumer-groups --delete": groups("--delete", "--group", group, matching="was successful"),
        "kafka-producer-perf-test": lambda: java(
            "org.apache.kafka.tools.ProducerPerformance",
            "--topic",
            topic,
            "--num-records",
            "1000",
            "--record-size",
            "100",
            "--throughput",
            "-1",
            "--producer-props",
            "bootstrap.servers=" + broker,
            matching="1000 records sent",
        ),
        "kafka-reassign-partitions --execute": reassign,
        "kafka-delete-records": delete_records,
        "kafka-log-dirs": lambda: tool(
            "org.apache.kafka.tools.LogDirsCommand",
            "--describe",
            "--topic-list",
            topic,
            matching='"partition":"clients-tools-0"',
        ),
        "kafka-leader-election": lambda: tool(
            "org.apache.kafka.tools.LeaderElectionCommand", "--election-type", "preferred", "--all-topic-partitions"
        ),
        "kafka-cluster cluster-id": lambda: java(
            "org.apache.kafka.tools.ClusterTool", "cluster-id", "--bootstrap-server", broker, matching="Cluster ID: "
        ),
        "kafka-features": lambda: tool("org.apache.kafka.tools.FeatureCommand", "describe"),
        "kafka-transactions list": lambda: tool(
            "org.apache.kafka.tools.TransactionsCommand", "list", matching="TransactionalId"
        ),
        "kafka-acls --list": lambda: tool("kafka.admin.AclCommand", "--list"),
        "kafka-broker-api-versions": lambda: tool("kafka.admin.BrokerApiVersionsCommand", matching=r"Produce\(0\)"),
        "kafka-topics --delete": deleted,
        "kafka-metadata-quorum": lambda: tool("org.apache.kafka.tools.MetadataQuorumCommand", "describe", "--status"),
    }
)
