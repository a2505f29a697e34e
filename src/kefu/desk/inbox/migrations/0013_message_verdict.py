from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inbox", "0012_message_pressed")]

    operations = [
        migrations.AddField(
            model_name="message",
            name="verdict",
            field=models.CharField(blank=True, default="", max_length=5),
        ),
    ]
