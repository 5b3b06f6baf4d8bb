import confluent_kafka
from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaException,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourcePatternType,
    ResourceType,
)

from calls import Client, Wrong, at, equal, refusing

client = Client("confluent-kafka", confluent_kafka.__version__)
servers = {"bootstrap.servers": at("KAFKA"), "log_level": 0}
admin = AdminClient(servers)
topic = "clients-confluent"
resource = ConfigResource(ConfigResource.Type.TOPIC, topic)


def answers(futures):
    """All of the answers, or the first refusal."""
    return {key: future.result() for key, future in futures.items()}


def produce(n, **settings):
    failures = []
    producer = Producer(servers | settings)
    for i in range(n):
        producer.produce(
            topic, key=f"k{i}", value=f"v{i}", on_delivery=lambda error, _: failures.append(error) if error else None
        )
    equal(producer.flush(20), 0)
    equal(failures, [])


def read(n, **settings):
    consumer = Consumer(servers | {"auto.offset.reset": "earliest", "enable.auto.commit": False} | settings)
    consumer.subscribe([topic])
    values = set()
    try:
        while len(values) < n:
            message = consumer.poll(20)
            if message is None:
                raise Wrong(f"{len(values)} of {n} messages")
            if message.error():
                raise KafkaException(message.error())
            values.add(message.value())
        consumer.commit(asynchronous=False)
    finally:
        consumer.close()


def transactions():
    producer = Producer(servers | {"transactional.id": "clients-confluent"})
    producer.init_transactions(20)
    for value, end in (b"aborted", producer.abort_transaction), (b"committed", producer.commit_transaction):
        producer.begin_transaction()
        producer.produce(topic + "-transactions", value=value)
        producer.flush(20)
        if value == b"committed":
            consumer = Consumer(servers | {"group.id": "clients-confluent"})
            producer.send_offsets_to_transaction(
                [TopicPartition(topic, 0, 5)], consumer.consumer_group_metadata(), 20
            )
            consumer.close()
        end(20)
    consumer = Consumer(servers | {"group.id": "clients-confluent-transactions", "auto.offset.reset": "earliest"})
    consumer.subscribe([topic + "-transactions"])
    equal(consumer.poll(20).value(), b"committed")
    consumer.close()


def offsets_of(group):
    answer = answers(admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))[group]
    return {p.partition: p.offset for p in answer.topic_partitions}


def alter_offsets():
    answers(
        admin.alter_consumer_group_offsets(
            [ConsumerGroupTopicPartitions("clients-confluent-group", [TopicPartition(topic, 0, 3)])]
        )
    )
    equal(offsets_of("clients-confluent-group")[0], 3)


def alter_configs():
    resource.add_incremental_config(
        ConfigEntry("retention.ms", "7200000", incremental_operation=AlterConfigOpType.SET)
    )
    answers(admin.incremental_alter_configs([resource]))
    entries = answers(admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic)]))
    equal(list(entries.values())[0]["retention.ms"].value, "7200000")


def create_partitions():
    answers(admin.create_partitions([NewPartitions(topic, 6)]))
    equal(len(admin.list_topics(topic).topics[topic].partitions), 6)


def describe_topics():
    described = answers(admin.describe_topics(TopicCollection([topic])))[topic]
    equal(len(described.partitions), 3)


def acls():
    acl = AclBinding(
        ResourceType.TOPIC,
        topic,
        ResourcePatternType.LITERAL,
        "User:a",
        "*",
        AclOperation.READ,
        AclPermissionType.ALLOW,
    )
    answers(admin.create_acls([acl]))
    found = admin.describe_acls(
        AclBindingFilter(
            ResourceType.TOPIC,
            topic,
            ResourcePatternType.LITERAL,
            None,
            None,
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
    ).result()
    equal(len(found), 1)


client.first("list_topics", lambda: equal(len(admin.list_topics(timeout=10).topics["feed-updates"].partitions), 4))
client.calls(
    {
        "create_topics": lambda: answers(
            admin.create_topics(
                [NewTopic(topic, 3, 1, config={"retention.ms": "3600000"}), NewTopic(topic + "-transactions", 1, 1)]
            )
        ),
        "describe_topics": describe_topics,
        "describe_cluster": lambda: equal(admin.describe_cluster().result().controller is not None, True),
        "describe_configs": lambda: answers(admin.describe_configs([resource])),
        "incremental_alter_configs": alter_configs,
        "produce zstd, idempotent": lambda: produce(1000, **{"enable.idempotence": True, "compression.type": "zstd"}),
        "consumer group": lambda: read(1000, **{"group.id": "clients-confluent-group"}),
        "group.protocol=consumer": lambda: read(
            1000, **{"group.id": "clients-confluent-848", "group.protocol": "consumer"}
        ),
        "transactions": transactions,
        "list_consumer_groups": lambda: equal(
            "clients-confluent-group" in {g.group_id for g in admin.list_consumer_groups().result().valid}, True
        ),
        "describe_consumer_groups": lambda: answers(admin.describe_consumer_groups(["clients-confluent-group"])),
        "list_consumer_group_offsets": lambda: equal(sum(offsets_of("clients-confluent-group").values()), 1000),
        "alter_consumer_group_offsets": alter_offsets,
        "list_offsets": lambda: equal(
            sum(
                a.offset
                for a in answers(
                    admin.list_offsets(
                        {TopicPartition(topic, i): OffsetSpec.latest() for i in range(3)},
                        isolation_level=IsolationLevel.READ_COMMITTED,
                    )
                ).values()
            ),
            1000,
        ),
        "delete_records": lambda: answers(admin.delete_records([TopicPartition(topic, 0, 2)])),
        "create_partitions": create_partitions,
        "create_acls, describe_acls": acls,
        "describe_user_scram_credentials": lambda: admin.describe_user_scram_credentials().result(),
        "delete_consumer_groups": lambda: answers(admin.delete_consumer_groups(["clients-confluent-group"])),
        "delete_consumer_groups of an active one": refusing(
            "NON_EMPTY_GROUP", lambda: answers(admin.delete_consumer_groups(["feed-enrich"]))
        ),
        "create_topics, replication 3": refusing(
            "INVALID_REPLICATION_FACTOR", lambda: answers(admin.create_topics([NewTopic("clients-three", 1, 3)]))
        ),
        "create_topics that is": refusing(
            "TOPIC_ALREADY_EXISTS", lambda: answers(admin.create_topics([NewTopic(topic, 3, 1)]))
        ),
        "delete_topics": lambda: answers(admin.delete_topics([topic, topic + "-transactions"])),
    }
)
