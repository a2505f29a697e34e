from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inbox", "0013_message_verdict")]

    operations = [
        migrations.AddField(
            model_name="channel",
            name="last_error_texts",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="channel",
            name="recovered_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
